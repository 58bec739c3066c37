/**
 * What images are called: https://pkg.go.dev/github.com/distribution/reference
 */
import { Option } from "effect"

/** A reference with everything written out. */
export interface ImageReference {
  /** The registry, such as `docker.io` or `127.0.0.1:5000`. */
  readonly registry: string
  /** Below the registry, such as `library/busybox`. */
  readonly repository: string
  /** `latest` where there is neither tag nor digest. */
  readonly tag: string | undefined
  /** Such as `sha256:…`. Where there is one, a tag says nothing. */
  readonly digest: string | undefined
}

const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
const repository = new RegExp(`^${component}(?:/${component})*$`)
const registryName =
  /^(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[0-9a-fA-F:]+\])(?::\d+)?$/
const tagged = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const digested = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,}$/

/** What comes before the first slash is a registry when it can be no part of a repository's name. */
const isRegistry = (first: string): boolean =>
  first.includes(".") || first.includes(":") || first === "localhost" || first.toLowerCase() !== first

const split = (text: string, at: number): readonly [string, string | undefined] =>
  at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]

/** Reads a reference as Docker does: `busybox` is `docker.io/library/busybox:latest`. Nothing where it is none. */
export const parse = (text: string): Option.Option<ImageReference> => {
  const [named, digest] = split(text, text.indexOf("@"))
  // A colon before the last slash is a port's.
  const colon = named.lastIndexOf(":")
  const [name, tag] = split(named, colon > named.lastIndexOf("/") ? colon : -1)
  const slash = name.indexOf("/")
  const first = name.slice(0, Math.max(slash, 0))
  const hasRegistry = slash > 0 && isRegistry(first)
  const registry = hasRegistry ? first : "docker.io"
  const path = hasRegistry ? name.slice(slash + 1) : name
  const isValid = registryName.test(registry) && repository.test(path) &&
    (tag === undefined || tagged.test(tag)) && (digest === undefined || digested.test(digest))
  if (!isValid) return Option.none()
  return Option.some({
    registry: registry === "index.docker.io" ? "docker.io" : registry,
    repository: registry === "docker.io" && !path.includes("/") ? `library/${path}` : path,
    tag: tag ?? (digest === undefined ? "latest" : undefined),
    digest
  })
}

/** The reference written out, as every engine understands it. */
export const format = ({ digest, registry, repository, tag }: ImageReference): string =>
  `${registry}/${repository}${digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`}`
