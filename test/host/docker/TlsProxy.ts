/**
 * TLS in front of an engine of a test's own, as one speaks it that listens on a port of a host: it lets in whom it has certified.
 */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { Effect } from "effect"
import { exec } from "../exec.ts"

/** Makes the certificates of an authority in a directory: its own, an engine's (`server-…`) and a client's, named as Docker does. */
export const certify = Effect.fnUntraced(function*(directory: string) {
  const file = (name: string) => `${directory}/${name}.pem`
  const make = (key: string, certificate: string, name: string, ...signed: ReadonlyArray<string>) =>
    exec(
      "openssl",
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${name}`, "-keyout", file(key), "-out", file(certificate)],
      ...signed
    )
  const byAuthority = ["-CA", file("ca"), "-CAkey", file("ca-key"), "-addext", "basicConstraints=critical,CA:FALSE"]
  yield* make("ca-key", "ca", "authority")
  yield* make("server-key", "server-cert", "engine", ...byAuthority, "-addext", "subjectAltName=IP:127.0.0.1")
  yield* make("key", "cert", "client", ...byAuthority)
  return directory
})

/** Listens on the loopback with the certificates of a directory. Answers the port. */
export const make = (engineSocket: string, directory: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
      const read = (name: string) => Fs.readFileSync(`${directory}/${name}.pem`)
      const connections = new Set<Tls.TLSSocket>()
      const server = Tls.createServer({
        ca: read("ca"),
        cert: read("server-cert"),
        key: read("server-key"),
        requestCert: true
      }, (client) => {
        const engine = Net.connect({ path: engineSocket })
        connections.add(client)
        client.on("close", () => {
          connections.delete(client)
          engine.destroy()
        })
        engine.on("close", () => client.destroy())
        for (const socket of [client, engine]) socket.on("error", () => undefined)
        client.pipe(engine).pipe(client)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const close = () => {
          server.close()
          for (const connection of connections) connection.destroy()
        }
        resume(Effect.succeed({ port: typeof address === "object" && address !== null ? address.port : 0, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )
