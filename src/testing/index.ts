/**
 * What users test their own with, as namespaces: a control plane on a simulated node and virtual time, a virtualizer by the
 * conformance suite, a launcher by checkers over simulated runs.
 *
 * `Conformance` needs vitest, and so does this module. Each of the others has a path of its own and needs nothing but
 * `effect`, such as `vivarium/testing/SimulatedNode`.
 */
export * as Checker from "./Checker.ts"
export * as Checkers from "./checkers/index.ts"
export * as Conformance from "./Conformance.ts"
export * as ConformanceClock from "./conformance/ConformanceClock.ts"
export * as ConformanceHost from "./conformance/ConformanceHost.ts"
export * as ConformanceRun from "./conformance/ConformanceRun.ts"
export * as History from "./History.ts"
export * as SimulatedNode from "./SimulatedNode.ts"
export * as Simulation from "./Simulation.ts"
export * as Simulator from "./Simulator.ts"
export * as VirtualClock from "./VirtualClock.ts"
