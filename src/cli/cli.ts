import { Command, CommanderError } from 'commander'
import { registerBeckn } from './beckn.ts'
import { registerContract } from './books/contract.ts'
import { registerLedger } from './books/ledger.ts'
import { registerReceipt } from './books/receipt.ts'
import { registerCompute } from './compute/compute.ts'
import { registerPause } from './compute/pause.ts'
import { registerConfig } from './config.ts'
import { registerDoctor } from './doctor/doctor.ts'
import { registerEval } from './eval/eval.ts'
import { registerId } from './id.ts'
import { registerInit } from './init.ts'
import { registerAsk } from './library/ask.ts'
import { registerCollections } from './library/collections.ts'
import { registerIngest } from './library/ingest.ts'
import { registerLocal } from './local.ts'
import { registerMessages } from './messages.ts'
import { registerPeers } from './peers.ts'
import type { Engine } from './run/engine.ts'
import { registerRun } from './run/run.ts'
import { registerStatus } from './status.ts'
import { registerTask } from './task/task.ts'
import { printFailure } from './terminal/failure.ts'
import { printLine, type Terminal } from './terminal/terminal.ts'
import { registerTrade } from './trade/trade.ts'
import { registerUtility } from './utility/utility.ts'

/** Wrong usage, as shells and `sysexits` have it apart from failure. */
const EXIT_USAGE = 2

/** @returns the exit code; everything there is to say has been printed */
export async function runCli(argv: readonly string[], terminal: Terminal, engine: Engine): Promise<number> {
  try {
    if (argv[0] === '--version' || argv[0] === '-V') {
      printLine(terminal, await engine.version())
      return 0
    }
    await createProgram(terminal, engine).parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    // Commander has printed help, version or what was wrong with the flags.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
    printFailure(terminal, error)
    return 1
  }
}

function createProgram(terminal: Terminal, engine: Engine): Command {
  const { out, err } = terminal
  const program = new Command('wattmesh')
    .description('Neighbours sell each other energy and share spare compute, with no centre.')
    .option('-V, --version', 'print the version')
    .option('--home <dir>', 'data directory (WATTMESH_HOME, else ~/.local/share/wattmesh)')
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for more)')
    .configureOutput({ writeOut: text => void out.write(text), writeErr: text => void err.write(text) })
    // Before the commands are added: they copy it.
    .exitOverride()
  registerInit(program, terminal, engine)
  registerRun(program, terminal, engine)
  registerStatus(program, terminal)
  registerDoctor(program, terminal)
  registerId(program, terminal, engine)
  registerConfig(program, terminal)
  registerPeers(program, terminal)
  registerMessages(program, terminal)
  registerTrade(program, terminal)
  registerContract(program, terminal)
  registerLedger(program, terminal)
  registerReceipt(program, terminal)
  registerUtility(program, terminal)
  registerBeckn(program, terminal)
  registerTask(program, terminal)
  registerIngest(program, terminal)
  registerAsk(program, terminal)
  registerCollections(program, terminal)
  registerEval(program, terminal)
  registerCompute(program, terminal)
  registerPause(program, terminal)
  registerLocal(program, terminal)
  return program
}
