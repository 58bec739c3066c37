/**
 * Every operation that can be interrupted: what is made ready for it, and what is so afterwards.
 */
import { Duration, Effect, Stream } from "effect"
import { VolumeId } from "../../domain/Volume.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import { ConformanceHost, type Operation } from "./ConformanceHost.ts"
import { type Capability, declared, type Need, thereIs } from "./ConformanceTest.ts"
import { broken, equals, eventually, holds, inWords, succeeds } from "./Contract.ts"
import { absent, type Act, created, hold, launched, launcher, running, type Subject } from "./Launchers.ts"
import { isUnmade, probes } from "./probing.ts"

/** An operation that is about to be interrupted. */
export interface Prepared {
  readonly subject: Subject
  readonly run: Effect.Effect<unknown, VirtualizerError>
  /** What is so whenever it was interrupted; also a moment later, where a guest takes its time. */
  readonly interrupted?: Act
  /** What is so when it has succeeded. */
  readonly succeeded: Act
}

/** How an operation is brought to where it can be interrupted, and what it leaves. */
export interface Case {
  readonly operation: Operation
  readonly needs?: ReadonlyArray<Need>
  /**
   * What is left when it was interrupted: `before` is what there was before, `either` that or what there is when it has
   * succeeded. With `asked`, what it asked for may come about later.
   */
  readonly leaves: "before" | "either" | "asked"
  readonly prepare: (id: string) => Act<Prepared>
}

/** The guests of an instance are to be as many. */
const hasGuests = (subject: Subject, count: number, when: string): Act =>
  Effect.flatMap(ConformanceHost, (host) =>
    Effect.flatMap(host.guests(subject.id), (guests) =>
      holds(
        guests.length === count,
        count === 0 ? `No guest is there ${when}` : `One guest is there ${when}`,
        () => inWords(guests)
      )))

const capability = (name: Capability): ReadonlyArray<Need> => [declared(name)]

/** A guest's volumes, as it says, are those that it has open. */
const isConsistent = (volumes: Act<ReadonlyArray<VolumeId>>, volume: VolumeId): Act =>
  Effect.gen(function*() {
    const host = yield* ConformanceHost
    yield* eventually(
      "status tells that the guest has a volume exactly when it has it open",
      Effect.gen(function*() {
        const has = (yield* volumes).includes(volume)
        const holders = yield* host.holders(volume)
        return has === (holders.length === 1) ? undefined : `status says ${has}, and it is open by ${inWords(holders)}`
      })
    )
  })

/** Every operation. */
export const cases: ReadonlyArray<Case> = [
  {
    operation: "discover",
    leaves: "before",
    prepare: Effect.fnUntraced(function*(id) {
      const one = yield* launcher
      const subject = yield* launched(one, { id })
      return {
        subject,
        run: Stream.runDrain(one.virtualizer.discover),
        succeeded: hasGuests(subject, 1, "when discover has returned")
      }
    })
  },
  {
    operation: "destroy",
    leaves: "asked",
    prepare: Effect.fnUntraced(function*(id) {
      const one = yield* launcher
      const subject = yield* launched(one, { id })
      const found = (yield* one.discovered).find((guest) => guest.id === subject.id)
      if (found === undefined) return yield* broken("discover tells a guest that was launched", "it does not")
      return {
        subject,
        run: one.virtualizer.destroy(found),
        succeeded: hasGuests(subject, 0, "when destroy has returned")
      }
    })
  },
  {
    operation: "discard",
    leaves: "either",
    prepare: Effect.fnUntraced(function*(id) {
      const { directory } = yield* ConformanceHost
      const { virtualizer } = yield* launcher
      const subject = yield* created(yield* launcher, { id })
      return {
        subject,
        run: virtualizer.discard(subject.id, directory(subject.id)),
        succeeded: Effect.flatMap(subject.remains, (left) => equals(left, [], "discard removes every trace"))
      }
    })
  },
  {
    operation: "probe",
    leaves: "before",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* created(yield* launcher, { id })
      return {
        subject,
        run: subject.guest.probe,
        succeeded: Effect.asVoid(probes(subject.guest, ["Created"], "when its disk is made"))
      }
    })
  },
  {
    operation: "ensureBackingImage",
    leaves: "either",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* absent(yield* launcher, { id })
      return {
        subject,
        run: Stream.runDrain(subject.guest.ensureBackingImage),
        interrupted: Effect.asVoid(isUnmade(subject.guest, "when ensureBackingImage was interrupted")),
        succeeded: subject.createImage
      }
    })
  },
  {
    operation: "createImage",
    leaves: "either",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* absent(yield* launcher, { id })
      yield* subject.ensureBackingImage
      return {
        subject,
        run: subject.guest.createImage(subject.boot),
        succeeded: subject.start
      }
    })
  },
  {
    operation: "deleteImage",
    leaves: "either",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* created(yield* launcher, { id })
      return {
        subject,
        run: subject.guest.deleteImage,
        succeeded: Effect.flatMap(subject.remains, (left) => equals(left, [], "deleteImage removes every trace"))
      }
    })
  },
  {
    operation: "start",
    leaves: "before",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* created(yield* launcher, { id })
      return {
        subject,
        run: subject.guest.start(subject.boot),
        interrupted: hasGuests(subject, 0, "when start was interrupted"),
        succeeded: Effect.flatMap(subject.watch, ({ connected }) => Effect.asVoid(connected))
      }
    })
  },
  {
    operation: "monitor",
    leaves: "before",
    prepare: Effect.fnUntraced(function*(id) {
      const first = yield* launcher
      const { spec } = yield* launched(first, { id })
      yield* first.close
      const subject = yield* hold(yield* launcher, spec)
      return {
        subject,
        run: Effect.scoped(Effect.flatMap(subject.guest.monitor, ({ connected }) => connected)),
        interrupted: hasGuests(subject, 1, "when monitor was interrupted"),
        succeeded: Effect.flatMap(subject.watch, ({ connected }) => Effect.asVoid(connected))
      }
    })
  },
  {
    operation: "kill",
    leaves: "asked",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* launched(yield* launcher, { id })
      return {
        subject,
        run: subject.guest.kill,
        succeeded: hasGuests(subject, 0, "when kill has returned")
      }
    })
  },
  {
    operation: "stats",
    leaves: "before",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* running(yield* launcher, { id })
      return { subject, run: subject.guest.stats, succeeded: hasGuests(subject, 1, "when stats were told") }
    })
  },
  {
    operation: "status",
    leaves: "before",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* running(yield* launcher, { id })
      return { subject, run: subject.monitor.status, succeeded: hasGuests(subject, 1, "when its status was told") }
    })
  },
  {
    operation: "stop",
    needs: [thereIs("deaf")],
    leaves: "asked",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* running(yield* launcher, { id, kind: "deaf" })
      return {
        subject,
        run: subject.monitor.stop(Duration.millis(100)),
        succeeded: hasGuests(subject, 0, "when stop has returned")
      }
    })
  },
  {
    operation: "pause",
    needs: capability("pause"),
    leaves: "either",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* running(yield* launcher, { id })
      const { pause, status } = subject.monitor
      return {
        subject,
        run: pause,
        succeeded: Effect.flatMap(
          succeeds("status", status),
          ({ paused }) => equals(paused, true, "The guest is paused when pause has returned")
        )
      }
    })
  },
  {
    operation: "resume",
    needs: capability("pause"),
    leaves: "either",
    prepare: Effect.fnUntraced(function*(id) {
      const subject = yield* running(yield* launcher, { id })
      const { pause, resume, status } = subject.monitor
      yield* succeeds("pause", pause)
      return {
        subject,
        run: resume,
        succeeded: Effect.flatMap(
          succeeds("status", status),
          ({ paused }) => equals(paused, false, "The guest runs when resume has returned")
        )
      }
    })
  },
  {
    operation: "attachVolume",
    needs: capability("liveVolumes"),
    leaves: "asked",
    prepare: Effect.fnUntraced(function*(id) {
      const host = yield* ConformanceHost
      const volume = yield* host.volume(VolumeId.make(`data-${id}`), "sound")
      const subject = yield* running(yield* launcher, { id })
      const volumes = Effect.map(succeeds("status", subject.monitor.status), ({ volumes }) => volumes)
      return {
        subject,
        run: subject.monitor.attachVolume(volume),
        interrupted: isConsistent(volumes, volume.id),
        succeeded: Effect.flatMap(volumes, (has) => equals(has, [volume.id], "The guest has a volume that is attached"))
      }
    })
  },
  {
    operation: "detachVolume",
    needs: capability("liveVolumes"),
    leaves: "asked",
    prepare: Effect.fnUntraced(function*(id) {
      const host = yield* ConformanceHost
      const volume = yield* host.volume(VolumeId.make(`data-${id}`), "sound")
      const subject = yield* running(yield* launcher, { id, volumes: [volume] })
      const volumes = Effect.map(succeeds("status", subject.monitor.status), ({ volumes }) => volumes)
      return {
        subject,
        run: subject.monitor.detachVolume(volume.id),
        succeeded: Effect.gen(function*() {
          yield* equals(yield* volumes, [], "The guest does not have a volume that is detached")
          yield* equals(yield* host.holders(volume.id), [], "Nobody has open what is detached")
        })
      }
    })
  }
]
