/**
 * `viv attach` and `viv detach`
 */
import { Effect, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { VolumeId } from "../domain/Volume.ts"
import { connected } from "./Connection.ts"
import { Daemon } from "./Daemon.ts"
import { each } from "./Each.ts"
import * as Flags from "./Flags.ts"
import { called } from "./InstanceText.ts"
import { instance } from "./Target.ts"

const volumes = Argument.String("volume").pipe(
  Argument.withDescription("The volumes' ids"),
  Argument.withSchema(Schema.toEncoded(VolumeId)),
  Argument.variadic({ min: 1 })
)

export const attach = Command.make(
  "attach",
  {
    instance,
    volumes,
    readOnly: Flags.toggle("read-only", "The guest may only read them")
  },
  ({ instance, readOnly, volumes }) =>
    connected(Effect.flatMap(Daemon, (daemon) =>
      each([instance], {
        doing: `attaching ${volumes.join(", ")}`,
        goesOn: "the attaching",
        act: ({ spec }) =>
          Effect.forEach(
            volumes,
            (id) => daemon.attach(spec.id, { id: VolumeId.make(id), ...(readOnly ? { readOnly } : {}) }),
            { discard: true }
          ),
        done: (info) => `${called(info)} has ${volumes.join(", ")}`
      })))
).pipe(
  Command.withDescription(
    "Give an instance volumes: a running one has them at once, a stopped one from its next start."
  ),
  Command.withShortDescription("Give an instance volumes"),
  Command.withExamples([{ command: "viv attach db-1 data-1 data-2" }])
)

export const detach = Command.make(
  "detach",
  { instance, volumes },
  ({ instance, volumes }) =>
    connected(Effect.flatMap(Daemon, (daemon) =>
      each([instance], {
        doing: `detaching ${volumes.join(", ")}`,
        goesOn: "the detaching",
        act: ({ spec }) => Effect.forEach(volumes, (id) => daemon.detach(spec.id, id), { discard: true }),
        done: (info) => `${called(info)} does not have ${volumes.join(", ")} any more`
      })))
).pipe(
  Command.withDescription("Take volumes from an instance. Their bytes stay."),
  Command.withShortDescription("Take volumes from an instance"),
  Command.withExamples([{ command: "viv detach db-1 data-2" }])
)
