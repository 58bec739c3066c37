import { describe, it } from "@effect/vitest"
import { nothingLeft } from "../../../src/testing/checkers/nothingLeft.ts"
import {
  abandoned,
  abandoning,
  acting,
  breaks,
  called,
  failed,
  holds,
  ok,
  record,
  recorded,
  remains,
  remove,
  setAside,
  spawned,
  start
} from "./tales.ts"

describe("nothing left after an acknowledged delete", () => {
  it("holds where nothing is left, and a new start makes it anew", () => {
    holds(nothingLeft, called(1, remove), ok(1), remains(), called(2, start()), acting(1, "create"), spawned(1), ok(2))
    holds(nothingLeft, called(1, remove), failed(1, "timed_out"), spawned(1))
    holds(nothingLeft, called(1, remove), ok(1), remains(), acting(1, "probe"))
  })

  it("holds where a start was asked for meanwhile", () => {
    holds(nothingLeft, called(1, remove), called(2, start()), ok(1), remains("disk"), spawned(1), ok(2))
    holds(nothingLeft, called(2, start()), called(1, remove), abandoning(2), abandoned(2), ok(1), remains("image"))
  })

  it("holds for what an instance left whose record was set aside, until that is out of the way", () => {
    holds(nothingLeft, setAside, called(1, remove), ok(1), remains("guest", "disk"))
    breaks(
      nothingLeft,
      /still: disk/,
      ...[setAside, recorded(record("running", { boot: 1 })), called(1, remove), ok(1), remains("disk")]
    )
  })

  it("is broken by what is left", () => {
    breaks(nothingLeft, /still: image, disk/, called(1, remove), ok(1), remains("image", "disk"))
    breaks(nothingLeft, /still: guest/, called(2, start()), ok(2), called(1, remove), ok(1), remains("guest"))
  })

  it("is broken by what comes back", () => {
    breaks(nothingLeft, /prepared again \(image\)/, called(1, remove), ok(1), remains(), acting(1, "image"))
    breaks(nothingLeft, /then guest 1 began/, called(1, remove), ok(1), remains(), spawned(1))
  })
})
