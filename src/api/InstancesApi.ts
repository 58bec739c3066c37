/**
 * `/v1/instances`: the instances of the node.
 */
import { Schema, SchemaTransformation } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { InstanceInfo } from "../domain/InstanceInfo.ts"
import { InstanceSpec } from "../domain/InstanceSpec.ts"
import { tags } from "../domain/InstanceState.ts"
import { InstanceStats } from "../domain/Resources.ts"
import { VolumeId, VolumeSpec } from "../domain/Volume.ts"
import { Access, Problems } from "./Access.ts"
import { Needs } from "./Needs.ts"
import { Operation } from "./Operation.ts"
import { problems } from "./Problem.ts"

/** An instance, by its id or its name. */
export const InstanceRef = Schema.String.check(
  Schema.isPattern(/^[0-9A-Za-z-]{1,64}$/, { expected: "the id or the name of an instance" })
)

/** The media types of what an instance is created from. */
export const yamlType = "application/yaml"
export const startType = "application/vnd.vivarium.start+yaml"

/** A text as a client sends it: which kind of text it is, is told by its media type. */
const text = <const Kind extends string>(kind: Kind, contentType: string) =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.TaggedStruct(kind, { text: Schema.String }),
      SchemaTransformation.transform({
        decode: (text: string) => ({ _tag: kind, text }) as const,
        encode: ({ text }) => text
      })
    ),
    HttpApiSchema.asText({ contentType })
  )

/** A native spec as YAML. */
export const SpecText = text("SpecText", yamlType)

/** A START payload: one to three YAML documents. */
export const StartText = text("StartText", startType)

/** How a command is to be answered. */
export const CommandHeaders = {
  /** `respond-async`: answer at once, with an operation. */
  prefer: Schema.optionalKey(Schema.String),
  /** The same key and request again is answered as the first time, and asks for nothing again. Kept for an hour. */
  "idempotency-key": Schema.optionalKey(Schema.NonEmptyString.check(Schema.isMaxLength(255)))
}

/** Whether a client that goes away takes back what it asked for. Otherwise it goes on. */
const cancelOnDisconnect = Schema.optionalKey(Schema.Boolean)

/** What is answered at once to a command that goes on: 202. */
export const Accepted = Operation.pipe(HttpApiSchema.status(202))

const page = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))

/** Which instances are meant. All conditions must hold; of one that is repeated, all for labels, one for the others. */
export const Filter = {
  /** A label and its value (`key=value`), or only a label. */
  label: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  state: Schema.optionalKey(Schema.Array(Schema.Literals(tags))),
  name: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** What the id begins with. */
  prefix: Schema.optionalKey(Schema.String)
}

/** A page of instances, in the order of their ids. */
export const Page = Schema.Struct({
  instances: Schema.Array(InstanceInfo),
  /** What the next page is asked for with, as `after`; absent on the last. */
  next: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Page" })

const params = { id: InstanceRef }
const changed = [InstanceInfo, Accepted] as const

const command = <const Name extends "stop" | "restart" | "pause" | "resume">(name: Name, summary: string) =>
  HttpApiEndpoint.post(name, `/instances/:id/${name}`, {
    params,
    headers: CommandHeaders,
    success: changed,
    error: problems
  }).annotate(OpenApi.Summary, summary)

export class InstancesApi extends HttpApiGroup.make("instances").add(
  HttpApiEndpoint.get("list", "/instances", {
    query: { ...Filter, limit: Schema.optionalKey(page), after: Schema.optionalKey(Schema.String) },
    success: Page,
    error: problems
  }).annotate(OpenApi.Summary, "List instances"),
  HttpApiEndpoint.post("create", "/instances", {
    query: {
      /** `false` leaves it stopped, until it is started. */
      start: Schema.optionalKey(Schema.Boolean),
      /** The instance is deleted when it has ended for good. */
      autoRemove: Schema.optionalKey(Schema.Boolean),
      cancelOnDisconnect
    },
    headers: CommandHeaders,
    payload: [InstanceSpec, SpecText, StartText],
    success: [InstanceInfo.pipe(HttpApiSchema.status(201)), Accepted],
    error: problems
  }).annotateMerge(OpenApi.annotations({
    summary: "Create and start an instance",
    description:
      "Answers when it runs, or, with start=false, when it is on record. The same specification again is the same instance."
  })),
  HttpApiEndpoint.get("get", "/instances/:id", { params, success: InstanceInfo, error: problems })
    .annotate(OpenApi.Summary, "Show an instance"),
  HttpApiEndpoint.delete("delete", "/instances/:id", {
    params,
    headers: CommandHeaders,
    success: [HttpApiSchema.NoContent, Accepted],
    error: problems
  }).annotate(OpenApi.Summary, "End an instance at once and remove every trace of it"),
  HttpApiEndpoint.post("start", "/instances/:id/start", {
    params,
    query: { cancelOnDisconnect },
    headers: CommandHeaders,
    success: changed,
    error: problems
  }).annotate(OpenApi.Summary, "Start a stopped instance"),
  command("stop", "Stop an instance: ask, insist, then kill"),
  command("restart", "Stop an instance, then start it"),
  command("pause", "Stop a guest's processors"),
  command("resume", "Let a guest's processors run again"),
  HttpApiEndpoint.post("attach", "/instances/:id/volumes", {
    params,
    headers: CommandHeaders,
    payload: VolumeSpec,
    success: changed,
    error: problems
  }).annotate(OpenApi.Summary, "Give an instance a volume"),
  HttpApiEndpoint.delete("detach", "/instances/:id/volumes/:volume", {
    params: { ...params, volume: VolumeId },
    headers: CommandHeaders,
    success: changed,
    error: problems
  }).annotate(OpenApi.Summary, "Take a volume from an instance"),
  HttpApiEndpoint.get("stats", "/instances/:id/stats", { params, success: InstanceStats, error: problems })
    .annotate(OpenApi.Summary, "What an instance uses now"),
  HttpApiEndpoint.get("logs", "/instances/:id/logs", {
    params,
    query: {
      /** Go on with what the guest writes until its end. */
      follow: Schema.optionalKey(Schema.Boolean),
      /** Only so many of the last bytes there are. */
      tail: Schema.optionalKey(Schema.Natural)
    },
    success: HttpApiSchema.StreamUint8Array(),
    error: problems
  }).annotate(OpenApi.Summary, "What the guest wrote to its console"),
  HttpApiEndpoint.get("console", "/instances/:id/console", {
    params,
    success: HttpApiSchema.Empty(101),
    error: problems
  }).annotate(Needs, "write").annotateMerge(OpenApi.annotations({
    summary: "The guest's console, as a WebSocket",
    description: "Binary messages in both directions. Closed with 1000 when the guest ends."
  }))
)
  .middleware(Problems)
  .middleware(Access)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Instances: virtual machines and containers.")
{}
