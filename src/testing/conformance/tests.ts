/**
 * All tests of the conformance suite.
 */
import type { ConformanceTest } from "./ConformanceTest.ts"
import { adopting } from "./adopting.ts"
import { control } from "./control.ts"
import { discarding } from "./discarding.ts"
import { discovering } from "./discovering.ts"
import { ending } from "./ending.ts"
import { images } from "./images.ts"
import { interrupting } from "./interrupting.ts"
import { making } from "./making.ts"
import { pausing } from "./pausing.ts"
import { starting } from "./starting.ts"
import { telling } from "./telling.ts"
import { undeclared } from "./undeclared.ts"
import { volumes } from "./volumes.ts"

/** Every test of the suite, in the order of an instance's life. */
export const tests: ReadonlyArray<ConformanceTest> = [
  ...making,
  ...images,
  ...starting,
  ...ending,
  ...pausing,
  ...volumes,
  ...telling,
  ...adopting,
  ...control,
  ...discovering,
  ...discarding,
  ...undeclared,
  ...interrupting
]
