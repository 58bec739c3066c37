// bundle.mjs DIRECTORY
//
// Bundles the programs into a directory: one file is read and compiled in a fraction of the time that hundreds take. Names are
// kept, for the sake of stack traces.
import { rolldown } from "rolldown"

const [directory = "dist/bin"] = process.argv.slice(2)

/**
 * What packages take of TLS is loaded when it is used: half of what a program of Node's takes to start would be for nothing where it
 * speaks over a unix socket.
 */
const lazyTls = {
  name: "lazy-tls",
  resolveId: (id, importer) =>
    /^(node:)?(https|tls)$/.test(id) && importer?.includes("node_modules")
      ? `\0lazy:${id.replace(/^node:/, "")}`
      : null,
  load: (id) =>
    id.startsWith("\0lazy:")
      ? `module.exports = new Proxy({}, { get: (_, key) => process.getBuiltinModule("node:${id.slice(6)}")[key] })`
      : null,
  // It takes Node's modules by a require of its own making, which no bundler follows.
  transform: (code, id) =>
    id.endsWith("platform-node/dist/internal/http.js")
      ? `import https from "node:https"\nexport const http = process.getBuiltinModule("node:http")\nexport { https }`
      // What a bundler can not see through to the names of.
      : id.endsWith("platform-node/dist/Undici.js")
      ? `import undici from "undici"\nexport const { Agent, FormData, getGlobalDispatcher } = undici\nexport default undici`
      : code
}

// Each for itself: what they had in common would be many files.
for (const [name, entry] of [["viv", "src/cli/bin.ts"], ["vivd", "src/daemon/bin.ts"]]) {
  const bundle = await rolldown({
    input: { [name]: entry },
    platform: "node",
    // Only the client of a Docker Engine asks for it, and that is vivd's.
    external: name === "viv" ? ["undici"] : [],
    cwd: new URL("..", import.meta.url).pathname,
    plugins: [lazyTls]
  })
  await bundle.write({
    dir: directory,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: `${name}/[name]-[hash].mjs`,
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } }
  })
  await bundle.close()
}
