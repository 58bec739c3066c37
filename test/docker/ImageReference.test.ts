import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as ImagePull from "../../src/docker/ImagePull.ts"
import * as ImageReference from "../../src/docker/ImageReference.ts"

const digest = `sha256:${"a1".repeat(32)}`

const full = (text: string) => Option.getOrUndefined(Option.map(ImageReference.parse(text), ImageReference.format))

describe("an image's reference", () => {
  it("is written out as engines have it", () => {
    assert.deepStrictEqual(
      ["busybox", "busybox:1.36", "me/app", "index.docker.io/me/app", "localhost/app", "localhost:5000/a/b/c:x"].map(
        full
      ),
      [
        "docker.io/library/busybox:latest",
        "docker.io/library/busybox:1.36",
        "docker.io/me/app:latest",
        "docker.io/me/app:latest",
        "localhost/app:latest",
        "localhost:5000/a/b/c:x"
      ]
    )
    assert.strictEqual(full(`quay.io/me/app:1@${digest}`), `quay.io/me/app@${digest}`)
  })

  it("stays the same once it is written out", () => {
    for (const text of ["busybox", "10.0.0.1:5000/x_y/z-1:T.2", `app@${digest}`]) {
      assert.strictEqual(full(full(text)!), full(text))
    }
  })

  it("is none where it could lead elsewhere, or an engine would refuse it", () => {
    for (
      const text of [
        "",
        "Busybox",
        "a b",
        "../info",
        "a/../b",
        "a//b",
        "/a",
        "a/",
        "a:",
        "a:b:c",
        "a@sha256:1",
        "a?x=1",
        "-a"
      ]
    ) {
      assert.isUndefined(full(text), text)
    }
  })
})

describe("why a pull failed", () => {
  it("is told from what engines say", () => {
    const said = {
      "not-found": [
        "manifest for x:2 not found: manifest unknown: manifest unknown",
        "pull access denied for x, repository does not exist or may require 'docker login': denied",
        "reading manifest 2 in docker.io/x: manifest unknown"
      ],
      "denied": [
        "Get \"http://r/v2/x/manifests/1\": no basic auth credentials",
        "unauthorized: authentication required",
        "Error response from daemon: Head \"https://r/v2/\": denied: requested access to the resource is denied"
      ],
      "no-space": ["write /var/lib/docker/tmp/GetImageBlob1: no space left on device"],
      "unreachable": [
        "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
        "Get \"https://r/v2/\": dial tcp: lookup r: no such host",
        "Get \"https://r/v2/\": net/http: request canceled while waiting for connection",
        "Get \"https://r/v2/\": x509: certificate signed by unknown authority"
      ],
      "other": ["unsupported media type application/x"]
    } as const
    for (const [trouble, details] of Object.entries(said)) {
      for (const detail of details) assert.strictEqual(ImagePull.troubleOf(detail), trouble, detail)
    }
  })
})
