// imports.mjs
//
// Shows that every path that the built package exports can be imported, most of them without vitest, and that what is
// internal can not.
import { globSync, readFileSync } from "node:fs"
import { registerHooks } from "node:module"

const { exports, name } = JSON.parse(readFileSync("package.json", "utf8"))

/** The files behind an export, and the names they are imported by. */
const imports = Object.entries(exports).flatMap(([path, target]) => {
  if (target === null) return []
  const specifier = path.replace(".", name)
  if (!path.endsWith("*")) return [specifier]
  const [before, after] = target.default.slice(2).split("*")
  // A star stands for directories too.
  return globSync(`${before}**/*${after}`).map((file) =>
    specifier.replace("*", file.slice(before.length, file.length - after.length))
  )
})

/** The paths that may need vitest, which not everybody has installed. */
const forVitest = new Set([`${name}/testing`, `${name}/testing/Conformance`])

const hooks = registerHooks({
  resolve: (specifier, context, resolveNext) => {
    if (/^(@effect\/)?vitest($|\/)/.test(specifier)) throw new Error(`${context.parentURL} needs ${specifier}`)
    return resolveNext(specifier, context)
  }
})
for (const specifier of imports) if (!forVitest.has(specifier)) await import(specifier)
hooks.deregister()
for (const specifier of forVitest) await import(specifier)

for (const file of globSync("dist/**/internal/**/*.js")) {
  const specifier = file.replace("dist", name).replace(/\.js$/, "")
  const refusal = await import(specifier).then(() => undefined, (error) => error.code)
  if (refusal !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error(`${specifier} can be imported`)
}
