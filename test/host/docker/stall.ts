/**
 * Passes on what a registry says, and stalls in every large body until it gets SIGUSR2: `stall.ts PORT REGISTRY_PORT BYTES FILE`. It
 * makes the file when it does.
 */
import * as Fs from "node:fs"
import * as Http from "node:http"

const [port, registryPort, bytesMax = 0] = process.argv.slice(2).map(Number)
const stalledFile = process.argv[5] ?? ""
const { promise: release, resolve: released } = Promise.withResolvers<void>()
process.on("SIGUSR2", () => released())

Http.createServer((request, response) => {
  const { headers, method, url: path } = request
  const upstream = Http.request({ host: "127.0.0.1", port: registryPort, headers, method, path }, async (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    let bytes = 0
    for await (const piece of answer as AsyncIterable<Buffer>) {
      const left = Math.max(0, bytesMax - bytes)
      response.write(piece.subarray(0, left))
      if (piece.length > left) {
        Fs.writeFileSync(stalledFile, "")
        await release
      }
      response.write(piece.subarray(left))
      bytes += piece.length
    }
    response.end()
  })
  upstream.on("error", () => response.destroy())
  request.pipe(upstream)
}).listen(port, "127.0.0.1")
