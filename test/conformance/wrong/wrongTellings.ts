/**
 * Virtualizers that get wrong what a guest uses, or what it writes.
 */
import { Effect, Exit, Ref, Scope, Semaphore, Stream } from "effect"
import { fail, HostFailure } from "../../../src/VirtualizerError.ts"
import { copyMonitor, guests, type Wrong } from "./Wrong.ts"

export const wrongTellings: ReadonlyArray<Wrong> = [
  {
    name: "tells -1 for what it does not know of a guest",
    change: guests(({ guest }) => ({ stats: Effect.map(guest.stats, (stats) => ({ ...stats, memoryBytes: -1 })) })),
    fails: [
      "stats are plausible, and grow as a guest's age does"
    ]
  },
  {
    name: "tells what a guest used when it was asked first",
    change: guests(({ guest, host }) => {
      const first = new Map<number, Effect.Success<typeof guest.stats>>()
      return {
        stats: Effect.map(guest.stats, (stats) => {
          const [{ pid } = { pid: 0 }] = host.guests
          const known = first.get(pid) ?? stats
          first.set(pid, known)
          return known
        })
      }
    }),
    fails: [
      "stats are plausible, and grow as a guest's age does"
    ]
  },
  {
    name: "asks the guest what it uses",
    change: guests(({ guest, host, spec }) => ({
      stats: Effect.andThen(
        Effect.suspend(() => {
          const machine = host.machine(spec.id)
          return machine === undefined ? Effect.void : machine.until(() => !machine.isFrozen)
        }),
        guest.stats
      )
    })),
    fails: [
      "stats never wait for the guest"
    ]
  },
  {
    name: "tells what a guest uses, and what it wrote, when nothing else is going on",
    change: guests(({ guest }) => {
      const one = Semaphore.makeUnsafe(1)
      return {
        stats: Semaphore.withPermit(one)(guest.stats),
        console: {
          log: (options) =>
            Stream.concat(
              Stream.drain(Stream.fromEffect(Semaphore.withPermit(one)(Effect.void))),
              guest.console.log(options)
            ),
          connect: guest.console.connect
        },
        monitor: Effect.map(guest.monitor, (monitor) => ({
          ...copyMonitor(monitor),
          stop: (grace) => Semaphore.withPermit(one)(monitor.stop(grace))
        }))
      }
    }),
    fails: [
      "stats answer while another operation is in progress",
      "the console's log is read while another operation is in progress"
    ]
  },
  {
    name: "knows what a guest wrote only while its launcher lives",
    change: guests(({ guest, host, spec }) => {
      const born = host.machine(spec.id)
      return {
        console: {
          log: (options) => born !== undefined ? Stream.empty : guest.console.log(options),
          connect: guest.console.connect
        }
      }
    }),
    fails: [
      "the console's log has what the guest wrote, for a later launcher too"
    ]
  },
  {
    name: "follows a guest's console for ever",
    change: guests(({ guest }) => ({
      console: {
        log: (options) =>
          options.follow ? Stream.concat(guest.console.log(options), Stream.never) : guest.console.log(options),
        connect: guest.console.connect
      }
    })),
    fails: [
      "the console's log is followed until the guest's end, and may be given up before"
    ]
  },
  {
    name: "does not follow a guest's console",
    change: guests(({ guest }) => ({
      console: { log: () => guest.console.log({ follow: false }), connect: guest.console.connect }
    })),
    fails: [
      "the console's log is followed until the guest's end, and may be given up before"
    ]
  },
  {
    name: "can not be interrupted while it follows a guest's console",
    change: guests(({ guest }) => ({
      console: {
        log: (options) =>
          options.follow
            ? Stream.fromEffect(Effect.uninterruptible(Stream.runCollect(guest.console.log(options)))).pipe(
              Stream.flatMap((parts) => Stream.fromIterable(parts))
            )
            : guest.console.log(options),
        connect: guest.console.connect
      }
    })),
    fails: [
      "the console's log is followed until the guest's end, and may be given up before"
    ]
  },
  {
    name: "connects to a console once",
    change: guests(({ guest }) => {
      const used = Ref.makeUnsafe(false)
      return {
        console: {
          log: (options) => guest.console.log(options),
          connect: Effect.flatMap(
            Ref.getAndSet(used, true),
            (isUsed) =>
              isUsed ? Effect.fail(fail(new HostFailure({ detail: "it was connected to" }))) : guest.console.connect
          )
        }
      }
    }),
    fails: [
      "the console is connected to, closed, and connected to again"
    ]
  },
  {
    name: "does not close a connection to a console",
    change: guests(({ guest }) => ({
      console: {
        log: (options) => guest.console.log(options),
        connect: Effect.flatMap(Scope.make(), (scope) =>
          Effect.acquireRelease(
            Scope.provide(guest.console.connect, scope),
            () => Effect.never.pipe(Effect.ensuring(Scope.close(scope, Exit.void)))
          ))
      }
    })),
    fails: [
      "the console is connected to, closed, and connected to again"
    ]
  }
]
