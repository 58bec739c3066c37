/**
 * Virtual machines and containers that are simulated, for tests of what stands on them: a host in memory, on the clock at hand, and
 * what can go wrong there.
 */
export * as Fault from "./Fault.ts"
export * as Fence from "./Fence.ts"
export * as HostOccurrence from "./HostOccurrence.ts"
export * as Latency from "./Latency.ts"
export * as SimulatedHost from "./SimulatedHost.ts"
export * as SimulationVirtualizer from "./SimulationVirtualizer.ts"
