import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Demultiplexer, NoFrames } from "../../src/docker/ContainerOutput.ts"

const Pieces = Schema.Array(
  Schema.Struct({ source: Schema.Literals(["stdout", "stderr"]), text: Schema.String.check(Schema.isMaxLength(40)) })
)

const frame = (source: "stdout" | "stderr", text: string): Buffer => {
  const bytes = Buffer.from(text)
  const header = Buffer.alloc(8)
  header[0] = source === "stdout" ? 1 : 2
  header.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

/** What frames say that come in pieces of these sizes, one after the other. */
const read = (bytes: Buffer, sizes: ReadonlyArray<number>) => {
  const frames = new Demultiplexer()
  const said = { stdout: "", stderr: "", stdin: "" }
  const bySource = { stdout: [] as Array<Uint8Array>, stderr: [] as Array<Uint8Array>, stdin: [] as Array<Uint8Array> }
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % Math.max(sizes.length, 1)] ?? bytes.length
    const output = frames.push(bytes.subarray(at, at + size))
    if (output instanceof NoFrames) return output
    for (const { bytes, source } of output) bySource[source].push(bytes)
    at += size
  }
  for (const source of ["stdout", "stderr"] as const) said[source] = Buffer.concat(bySource[source]).toString()
  return { ...said, isWhole: frames.isWhole }
}

describe("a container's output", () => {
  it.effect.prop(
    "is the same in whatever pieces it comes",
    [Pieces, Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })))],
    ([pieces, sizes]) =>
      Effect.sync(() => {
        const bytes = Buffer.concat(pieces.map(({ source, text }) => frame(source, text)))
        const expected = (wanted: "stdout" | "stderr") =>
          // Halves of a surrogate pair in two frames are no pair: each is text of its own.
          Buffer.concat(pieces.filter(({ source }) => source === wanted).map(({ text }) => Buffer.from(text)))
            .toString()
        assert.deepStrictEqual(read(bytes, sizes), {
          stdin: "",
          stdout: expected("stdout"),
          stderr: expected("stderr"),
          isWhole: true
        })
      })
  )

  it("that ends in the middle of a frame is told as far as it goes, and not taken for whole", () => {
    const bytes = frame("stdout", "hello")
    const read_ = read(bytes.subarray(0, bytes.length - 2), [])
    assert.deepStrictEqual(read_, { stdin: "", stdout: "hel", stderr: "", isWhole: false })
    assert.deepStrictEqual(read(bytes.subarray(0, 3), []), { stdin: "", stdout: "", stderr: "", isWhole: false })
  })

  it("of a TTY is not taken for frames", () => {
    assert.instanceOf(read(Buffer.from("$ echo hello\r\nhello\r\n"), []), NoFrames)
  })
})
