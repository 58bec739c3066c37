import { defineConfig } from "vitest/config"

/**
 * Three projects. The unit tests run first: they are many and quick. The integration tests run real guests: they take seconds,
 * and each keeps a core busy. The simulation comes last, and keeps two cores busy for itself.
 *
 * Nothing of ours has state at module level, so files share what is loaded.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/integration/**", "test/simulate/Simulate.test.ts"],
          testTimeout: 20_000,
          hookTimeout: 20_000,
          isolate: false,
          sequence: { groupOrder: 0 }
        }
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          isolate: false,
          globalSetup: "test/integration/setUp.ts",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 }
        }
      },
      {
        test: {
          name: "simulation",
          include: ["test/simulate/Simulate.test.ts"],
          sequence: { groupOrder: 2 }
        }
      }
    ]
  }
})
