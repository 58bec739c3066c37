/**
 * Every deliberately wrong virtualizer.
 */
import type { Wrong } from "./Wrong.ts"
import { wrongCommands } from "./wrongCommands.ts"
import { wrongControl } from "./wrongControl.ts"
import { wrongDiscards } from "./wrongDiscards.ts"
import { wrongDiscoveries } from "./wrongDiscoveries.ts"
import { wrongEnds } from "./wrongEnds.ts"
import { wrongGuests } from "./wrongGuests.ts"
import { wrongInstances } from "./wrongInstances.ts"
import { wrongInterruptions } from "./wrongInterruptions.ts"
import { wrongLaunchers } from "./wrongLaunchers.ts"
import { wrongTellings } from "./wrongTellings.ts"

export const wrongs: ReadonlyArray<Wrong> = [
  ...wrongInstances,
  ...wrongGuests,
  ...wrongEnds,
  ...wrongCommands,
  ...wrongTellings,
  ...wrongLaunchers,
  ...wrongControl,
  ...wrongDiscoveries,
  ...wrongDiscards,
  ...wrongInterruptions
]
