/**
 * The checkers of this package: each one promise that a launcher keeps.
 */
import type { Checker } from "../Checker.ts"
import { answeredOnce } from "./answeredOnce.ts"
import { asDesired } from "./asDesired.ts"
import { balancedBooks } from "./balancedBooks.ts"
import { deadLaunchers } from "./deadLaunchers.ts"
import { deadlines } from "./deadlines.ts"
import { doneAnswers } from "./doneAnswers.ts"
import { exclusiveVolumes } from "./exclusiveVolumes.ts"
import { explainedChanges } from "./explainedChanges.ts"
import { hostRules } from "./hostRules.ts"
import { legalMoves } from "./legalMoves.ts"
import { maintenance } from "./maintenance.ts"
import { nobodyForgotten } from "./nobodyForgotten.ts"
import { nothingLeft } from "./nothingLeft.ts"
import { nothingRunsOn } from "./nothingRunsOn.ts"
import { numberedEvents } from "./numberedEvents.ts"
import { oneGuest } from "./oneGuest.ts"
import { provenEnds } from "./provenEnds.ts"
import { recordedAnswers } from "./recordedAnswers.ts"
import { recordedGuests } from "./recordedGuests.ts"
import { restartPolicies } from "./restartPolicies.ts"
import { revisions } from "./revisions.ts"
import { supersession } from "./supersession.ts"

/** All of them. */
export const checkers: ReadonlyArray<Checker> = [
  answeredOnce,
  recordedAnswers,
  doneAnswers,
  explainedChanges,
  restartPolicies,
  revisions,
  oneGuest,
  exclusiveVolumes,
  recordedGuests,
  provenEnds,
  nothingLeft,
  legalMoves,
  numberedEvents,
  balancedBooks,
  maintenance,
  deadlines,
  supersession,
  nobodyForgotten,
  deadLaunchers,
  nothingRunsOn,
  hostRules,
  asDesired
]
