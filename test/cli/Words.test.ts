/**
 * What is written on a command line is what is meant, and what a failure ends with is what is documented.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import manifest from "../../package.json" with { type: "json" }
import { make, ProblemCode, statusOf } from "../../src/api/Problem.ts"
import { version } from "../../src/api/Version.ts"
import * as DetachKey from "../../src/cli/DetachKey.ts"
import { parseHost } from "../../src/cli/Endpoint.ts"
import { ExitCode, ofAll, ofProblem } from "../../src/cli/ExitCode.ts"
import { abbreviated } from "../../src/cli/InstanceText.ts"
import { toLines } from "../../src/cli/Report.ts"
import { parsePublish } from "../../src/cli/SpecFlags.ts"
import { bytes, span } from "../../src/cli/Text.ts"
import { CliFailure } from "../../src/cli/CliFailure.ts"
import { InstanceId } from "../../src/domain/InstanceId.ts"

const few = { arbitrary: { runs: 200, seed: 1 } }

describe("words", () => {
  it("the exit code of every problem that a daemon can tell", () => {
    const codes = Object.fromEntries(ProblemCode.literals.map((code) => [code, ofProblem(code, statusOf[code])]))
    const { conflict, failed, notFound, refused, timedOut, unreachable } = ExitCode
    assert.deepStrictEqual(codes, {
      already_attached: conflict,
      already_running: conflict,
      attach_failure: failed,
      crash_loop: failed,
      forbidden: failed,
      full_cn: refused,
      idempotency_mismatch: conflict,
      image_failure: failed,
      instance_exists: conflict,
      instance_failure: conflict,
      internal_error: failed,
      invalid_data: failed,
      invalid_payload: failed,
      invalid_request: failed,
      launch_failure: failed,
      launcher_closed: unreachable,
      network_failure: failed,
      no_instance: notFound,
      node_maintenance: refused,
      not_found: notFound,
      not_supported: failed,
      payload_too_large: failed,
      state_failure: failed,
      superseded: conflict,
      timed_out: timedOut,
      too_many: failed,
      unauthorized: failed,
      unsupported_media_type: failed
    })
  })

  it("several failures end with what they have in common", () => {
    assert.strictEqual(ofAll([]), ExitCode.done)
    assert.strictEqual(ofAll([3, 3]), ExitCode.notFound)
    assert.strictEqual(ofAll([3, 4]), ExitCode.failed)
  })

  it("a failure is told in lines that control no terminal", () => {
    const failure = new CliFailure({
      exitCode: 1,
      detail: "it failed: \u001b[2J",
      hint: "do this\nor that",
      fields: [{ path: "vcpus", detail: "must be more than 0" }]
    })
    assert.deepStrictEqual(toLines(failure), [
      "viv: it failed: \\x1b[2J",
      "     vcpus: must be more than 0",
      "hint: do this",
      "      or that"
    ])
  })

  it("its version is the package's", () => {
    assert.strictEqual(version, manifest.version)
    assert.strictEqual(make("no_instance", { detail: "x" }).status, 404)
  })

  it("ports to publish are written as Docker writes them", () => {
    assert.deepStrictEqual(parsePublish("8080:80"), Option.some({ protocol: "tcp", hostPort: 8080, guestPort: 80 }))
    assert.deepStrictEqual(
      parsePublish("0.0.0.0:53:5353/udp"),
      Option.some({ protocol: "udp", hostAddress: "0.0.0.0", hostPort: 53, guestPort: 5353 })
    )
    for (const wrong of ["80", "a:80", "1:2:3:4", "8080:80/sctp", "8080:80 ", ""]) {
      assert.isTrue(Option.isNone(parsePublish(wrong)), wrong)
    }
  })

  it("detach keys are control keys", () => {
    assert.deepStrictEqual(DetachKey.parse("ctrl-]"), Option.some(0x1d))
    assert.deepStrictEqual(DetachKey.parse("^]"), Option.some(0x1d))
    assert.deepStrictEqual(DetachKey.parse("Ctrl-A"), Option.some(1))
    assert.isTrue(Option.isNone(DetachKey.parse("a")))
    assert.isTrue(Option.isNone(DetachKey.parse("ctrl-1")))
  })

  it.effect.prop("what was typed before the detach key goes to the guest, and nothing after it", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  ], ([typed]) =>
    Effect.sync(() => {
      const { before, isDetached } = DetachKey.split(Uint8Array.from(typed), 0x1d)
      assert.strictEqual(isDetached, typed.includes(0x1d))
      assert.deepStrictEqual([...before], isDetached ? typed.slice(0, typed.indexOf(0x1d)) : typed)
    }), few)

  it.effect("daemons are named by paths and origins, and never with a secret", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* parseHost("unix:///run/x.sock"), {
        socketPath: "/run/x.sock",
        url: "http://localhost"
      })
      assert.deepStrictEqual(yield* parseHost("https://node-1:7788/"), {
        socketPath: undefined,
        url: "https://node-1:7788"
      })
      for (const wrong of ["node-1", "unix://x.sock", "ftp://node-1", "https://", "https://me:secret@node-1"]) {
        const { exitCode, message } = yield* Effect.flip(parseHost(wrong))
        assert.strictEqual(exitCode, ExitCode.usage)
        assert.notInclude(message, "secret@")
      }
    }))

  it.effect.prop(
    "what a table shows of an id names no other instance",
    [Schema.Array(InstanceId)],
    ([ids]) =>
      Effect.sync(() => {
        const unique = Array.from(new Set<string>(ids))
        const shown = abbreviated(unique)
        for (const id of unique) {
          const short = shown.get(id) ?? ""
          assert.isTrue(id.startsWith(short))
          // One that another begins with is shown whole, which names it before all prefixes.
          if (short !== id) assert.deepStrictEqual(unique.filter((other) => other.startsWith(short)), [id])
        }
      }),
    few
  )

  it("sizes and spans are rounded to what a person reads", () => {
    assert.strictEqual(bytes(undefined), "-")
    assert.strictEqual(bytes(536_870_912), "512 MiB")
    assert.strictEqual(bytes(1_610_612_736), "1.5 GiB")
    assert.strictEqual(span(90_000), "90 s")
    assert.strictEqual(span(600_000), "10 min")
  })
})
