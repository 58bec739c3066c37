import { assert, describe, it } from "@effect/vitest"
import * as QemuDirectory from "../../../src/backend/qemu/QemuDirectory.ts"

const config = { runtimeDirectory: "/run/vivarium" }

describe("QemuDirectory", () => {
  it("keeps the sockets with the guest, as long as their paths fit", () => {
    // "/guest/run/console.sock" is 23 bytes.
    const fits = `/${"x".repeat(83)}`
    assert.strictEqual(QemuDirectory.make(config, fits).consoleSocket.length, 107)
    assert.strictEqual(QemuDirectory.make(config, fits).sockets, `${fits}/guest/run`)
    for (const tooLong of [`${fits}x`, `/${"é".repeat(42)}`]) {
      const { consoleSocket, qmpSocket, run, sockets } = QemuDirectory.make(config, tooLong)
      assert.match(sockets, /^\/run\/vivarium\/[0-9a-f]{24}$/)
      assert.isTrue([consoleSocket, qmpSocket].every((path) => path.startsWith(sockets)))
      assert.strictEqual(run, `${tooLong}/guest/run`)
      assert.deepStrictEqual(QemuDirectory.make(config, tooLong).sockets, sockets)
    }
    assert.notStrictEqual(
      QemuDirectory.make(config, `${fits}x`).sockets,
      QemuDirectory.make(config, `${fits}y`).sockets
    )
  })
})
