/**
 * Virtualizers that get wrong what there is before a guest runs.
 */
import { Effect, Stream } from "effect"
import type { BootConfig } from "../../../src/Virtualizer.ts"
import { fail, HostFailure } from "../../../src/VirtualizerError.ts"
import { guests, type Wrong } from "./Wrong.ts"

export const wrongInstances: ReadonlyArray<Wrong> = [
  {
    name: "has a name that no spec can have",
    change: (virtualizer) => ({ ...virtualizer, name: "Simulation 1" }),
    fails: [
      "has a name and capabilities that a spec can ask for"
    ]
  },
  {
    name: "writes when it is only to look at a spec",
    change: (virtualizer, host) => ({
      ...virtualizer,
      make: (spec, directory) =>
        Effect.tap(virtualizer.make(spec, directory), () =>
          Effect.sync(() => {
            host.claim(spec.id).hasSeed = true
          }))
    }),
    fails: [
      "make looks at the spec only: it starts nothing and writes nothing",
      "make refuses a boot source that is not declared, and changes nothing",
      "an instance that was never made is absent, and asking changes nothing",
      "an image that is missing is told by ensureBackingImage, which leaves nothing",
      "createImage without the image fails, and undoes what it made"
    ]
  },
  {
    name: "takes boot sources that it does not declare",
    change: (virtualizer) => ({
      ...virtualizer,
      make: (spec, directory) =>
        virtualizer.make(
          virtualizer.capabilities.boot.includes(spec.boot.kind)
            ? spec
            : { ...spec, boot: { kind: "image", path: "/images/any", format: "raw" } },
          directory
        )
    }),
    fails: [
      "make refuses a boot source that is not declared, and changes nothing"
    ]
  },
  {
    name: "says that all is there when nothing is",
    change: guests(({ guest }) => ({
      probe: Effect.map(
        guest.probe,
        (probe) => probe._tag === "Absent" ? { _tag: "Created", lastExit: undefined } as const : probe
      )
    })),
    fails: [
      "an instance that was never made is absent, and asking changes nothing",
      "createImage without the image fails, and undoes what it made",
      "deleteImage removes every trace, can be repeated, and the instance can be made again",
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "ensureBackingImage is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "discard of what is not there succeeds, as often as it is asked for"
    ]
  },
  {
    name: "says that all is there when only the image is",
    change: guests(({ guest }) => ({
      probe: Effect.map(
        guest.probe,
        (probe) => probe._tag === "ImageReady" ? { _tag: "Created", lastExit: undefined } as const : probe
      )
    })),
    fails: [
      "ensureBackingImage tells its progress, ends, and can be repeated"
    ]
  },
  {
    name: "tells a progress that shrinks",
    change: guests(({ guest }) => ({
      ensureBackingImage: Stream.concat(guest.ensureBackingImage, Stream.make({ doneBytes: 0 }))
    })),
    fails: [
      "ensureBackingImage tells its progress, ends, and can be repeated"
    ]
  },
  {
    name: "takes an image that is missing for one that is there",
    change: guests(({ guest }) => ({
      ensureBackingImage: guest.ensureBackingImage.pipe(Stream.catch(() => Stream.empty))
    })),
    fails: [
      "an image that is missing is told by ensureBackingImage, which leaves nothing"
    ]
  },
  {
    name: "leaves half an image when the other half is not to be had",
    change: guests(({ guest, host, spec }) => ({
      ensureBackingImage: Stream.onError(guest.ensureBackingImage, () =>
        Effect.sync(() => {
          host.claim(spec.id).image = "partial"
        }))
    })),
    fails: [
      "an image that is missing is told by ensureBackingImage, which leaves nothing"
    ]
  },
  {
    name: "leaves half a disk when it can not make a whole one",
    change: guests(({ guest, host, spec }) => ({
      createImage: (boot) =>
        Effect.onError(guest.createImage(boot), () =>
          Effect.sync(() => {
            host.claim(spec.id).disk = "partial"
          }))
    })),
    fails: [
      "createImage without the image fails, and undoes what it made",
      "createImage is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "makes a disk where there is no image",
    change: guests(({ guest, host, spec }) => ({
      createImage: (boot) =>
        Effect.suspend(() => {
          host.claim(spec.id).image = "whole"
          return guest.createImage(boot)
        })
    })),
    fails: [
      "createImage without the image fails, and undoes what it made"
    ]
  },
  {
    name: "starts a guest when it is only to make its disk",
    change: guests(({ guest }) => ({
      createImage: (boot) => Effect.andThen(guest.createImage(boot), Effect.ignore(guest.start(boot))),
      start: (boot) =>
        Effect.flatMap(guest.probe, (probe) => probe._tag === "Running" ? Effect.void : guest.start(boot))
    })),
    fails: [
      "createImage makes what a start needs, and starts nothing",
      "deleteImage removes every trace, can be repeated, and the instance can be made again",
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "discover tells every guest that is there and none that is not, to a launcher that knows of none",
      "probe is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "deleteImage is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "start is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "discard removes every trace, for a launcher that has no spec, and the instance can be made again",
      "discard removes what is left of a guest that was ended, and how it ended",
      "discard of what is not there succeeds, as often as it is asked for",
      "discard leaves all other instances as they are",
      "discard is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "makes a disk anew that is there",
    change: guests(({ guest }) => ({
      createImage: (boot) =>
        Effect.flatMap(guest.probe, (probe) =>
          probe._tag === "Created"
            ? guest.deleteImage.pipe(
              Effect.andThen(Stream.runDrain(guest.ensureBackingImage)),
              Effect.andThen(guest.createImage(boot))
            )
            : guest.createImage(boot))
    })),
    fails: [
      "createImage keeps a disk that exists, for any launcher"
    ]
  },
  {
    name: "launches a guest without the volume that is missing",
    change: guests(({ guest, host }) => {
      const sound = (boot: BootConfig): BootConfig => ({
        ...boot,
        volumes: boot.volumes.filter(({ source }) => !host.missing.has(source.path))
      })
      return {
        createImage: (boot) => guest.createImage(sound(boot)),
        start: (boot) => guest.start(sound(boot))
      }
    }),
    fails: [
      "a volume whose bytes are missing fails createImage or start, and no guest is left"
    ]
  },
  {
    name: "deletes nothing",
    change: guests(() => ({ deleteImage: Effect.void })),
    fails: [
      "deleteImage removes every trace, can be repeated, and the instance can be made again",
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "two instances at once do not disturb each other",
      "deleteImage is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "deletes all but the disk",
    change: guests(({ guest, host, spec }) => ({
      deleteImage: Effect.suspend(() => {
        const hadDisk = host.remains(spec.id).includes("disk")
        return Effect.andThen(
          guest.deleteImage,
          Effect.sync(() => {
            if (hadDisk) host.claim(spec.id).disk = "whole"
          })
        )
      })
    })),
    fails: [
      "deleteImage removes every trace, can be repeated, and the instance can be made again",
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "two instances at once do not disturb each other",
      "deleteImage is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "fails to delete what is not there",
    change: guests(({ guest, host, spec }) => ({
      deleteImage: Effect.suspend(() =>
        host.remains(spec.id).length === 0
          ? Effect.fail(fail(new HostFailure({ detail: "there is nothing to delete" })))
          : guest.deleteImage
      )
    })),
    fails: [
      "deleteImage removes every trace, can be repeated, and the instance can be made again"
    ]
  }
]
