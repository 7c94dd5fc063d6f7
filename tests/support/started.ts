import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ALL } from './canary/canaries.ts'
import { findIn, refuse } from './canary/findings.ts'

const START = join(import.meta.dirname, '..', '..', 'start.ts')

/** A key that is meant to be read, in the lines that show it. */
const DEMO_KEY = /(for development only: |Bearer )sk-st-\w+/g

/** `npm start` in a process of its own. */
export interface Started {
  readonly child: ChildProcess
  /** Everything printed so far. */
  printed(): string
  /** Resolves when it serves. @throws when it ended before, with what it printed */
  ready(): Promise<void>
  /** Resolves to the exit code. */
  readonly exited: Promise<number | null>
  /** Stops it as Ctrl-C would. @throws where it has printed a secret */
  stop(): Promise<number | null>
}

/** Runs start.ts with these variables over the environment, and none of the environment's own configuration. */
export function spawnStart(variables: NodeJS.ProcessEnv): Started {
  const child = spawn(process.execPath, [START], {
    env: { ...process.env, NODE_ENV: undefined, DATABASE_URL: undefined, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const searched = async () => {
    const code = await exited
    refuse(findIn(printed.replaceAll(DEMO_KEY, ''), 'what npm start printed', ALL))
    return code
  }
  return {
    child,
    printed: () => printed,
    exited,
    ready: () =>
      new Promise((resolve, reject) => {
        child.stdout.on('data', () => printed.includes('SmarToken is ready') && resolve())
        void exited.then((code) => reject(new Error(`start ended with ${code}:\n${printed}`)))
      }),
    stop: () => {
      child.kill('SIGINT')
      return searched()
    },
  }
}

/** A port nobody listens on, now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
