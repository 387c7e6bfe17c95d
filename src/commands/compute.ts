import { type CommandDeps, decided } from './deps.ts'

/** When this machine works for others. */
export function computeCommands(deps: CommandDeps) {
  const { manners, config, offered } = deps

  function compute() {
    const paused = manners.paused()
    return {
      offered,
      verdict: manners.verdict(),
      conditions: manners.conditions(),
      preferences: { ...config.options.manners, taskPowerW: config.options.compute.watts },
      ...(paused === undefined ? {} : { paused }),
    }
  }

  return {
    compute,
    async pauseCompute(forMs: number) {
      await decided(deps, () => manners.pause(forMs))
      await manners.look()
      return compute()
    },
    async resumeCompute() {
      await decided(deps, () => manners.resume())
      await manners.look()
      return compute()
    },
  }
}
