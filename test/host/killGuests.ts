import { Effect } from "effect"
import * as QemuDiscovery from "../../src/backend/qemu/QemuDiscovery.ts"
import * as QemuProcess from "../../src/backend/qemu/QemuProcess.ts"

/** Kills the guests that a state directory still has when the scope closes: those of a test that failed in the middle. */
export const killGuests = (stateDirectory: string) =>
  Effect.addFinalizer(() =>
    QemuDiscovery.scan(stateDirectory).pipe(
      Effect.flatMap(Effect.forEach(({ identity }) => QemuProcess.kill(identity, "10 seconds"))),
      Effect.orDie
    )
  )
