import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CodedError, messageOf } from '../kernel/errors.ts'

export type IdentityCode = 'KEY_EXPOSED' | 'KEY_CORRUPT' | 'KEY_LOCKED' | 'KEY_PASSPHRASE' | 'KEY_UNREADABLE'

/** The 32 bytes of the Ed25519 private key, in one file that only its owner reads. */
export const KEY_FILE = 'identity.json'

/** OWASP's scrypt recommendation (2024): 128 MiB and about half a second, once at start. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 }

const base64 = z.base64()
const keyFileSchema = z.union([
  z.strictObject({ version: z.literal(1), type: z.literal('Ed25519'), seed: base64 }),
  z.strictObject({
    version: z.literal(1),
    type: z.literal('Ed25519'),
    kdf: z.literal('scrypt'),
    // A power of two, as scrypt wants it, and no more memory than this machine would give.
    N: z
      .int()
      .min(2)
      .max(2 ** 20)
      .refine(n => Number.isInteger(Math.log2(n))),
    r: z.int().min(1).max(32),
    p: z.int().min(1).max(16),
    salt: base64,
    nonce: base64,
    sealed: base64,
  }),
])
type KeyFile = z.infer<typeof keyFileSchema>

/** Reads the key in `home`, or makes one at the first start. Refuses a key that others on the machine can read. */
export function openSeed(home: string, passphrase?: string): { seed: Uint8Array; created: boolean } {
  const file = join(home, KEY_FILE)
  if (!existsSync(file)) return { seed: createSeed(home, file, passphrase), created: true }
  const exposed = exposure(file)
  if (exposed !== undefined) throw exposed
  return { seed: unlock(readKeyFile(file), file, passphrase), created: false }
}

/** The error for a key file that others can read; undefined when it is safe. */
export function exposure(file: string): CodedError<IdentityCode> | undefined {
  const mode = statSync(file).mode & 0o777
  if ((mode & 0o077) === 0) return undefined
  return new CodedError(
    'KEY_EXPOSED',
    `others on this machine can read your private key ${file} (mode ${mode.toString(8)})`,
    {
      hint: `chmod 600 ${file}; if a stranger may have read it, move it away and start with a new one`,
    },
  )
}

function createSeed(home: string, file: string, passphrase: string | undefined): Uint8Array {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const seed = randomBytes(32)
  const content: KeyFile =
    passphrase === undefined ? { version: 1, type: 'Ed25519', seed: seed.toString('base64') } : lock(seed, passphrase)
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
  return seed
}

function readKeyFile(file: string): KeyFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CodedError<IdentityCode>('KEY_UNREADABLE', `cannot read your private key: ${messageOf(error)}`, {
      hint: 'start the daemon as the user who owns the data directory',
      cause: error,
    })
  }
  try {
    return keyFileSchema.parse(JSON.parse(text))
  } catch (error) {
    throw corrupt(file, error)
  }
}

function corrupt(file: string, cause?: unknown): CodedError<IdentityCode> {
  return new CodedError('KEY_CORRUPT', `your private key ${file} is damaged`, {
    hint: 'restore it from a backup; without one, move it away and start anew with another peer id',
    cause,
  })
}

function lock(seed: Uint8Array, passphrase: string): KeyFile {
  const salt = randomBytes(16)
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', derive(passphrase, salt, SCRYPT), nonce)
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()])
  return {
    version: 1,
    type: 'Ed25519',
    kdf: 'scrypt',
    ...SCRYPT,
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    sealed: sealed.toString('base64'),
  }
}

function unlock(content: KeyFile, file: string, passphrase: string | undefined): Uint8Array {
  if ('seed' in content) return thirtyTwo(Buffer.from(content.seed, 'base64'), file)
  if (passphrase === undefined) {
    throw new CodedError<IdentityCode>('KEY_LOCKED', `your private key ${file} is encrypted`, {
      hint: 'give its passphrase in WATTMESH_PASSPHRASE, or in the file WATTMESH_PASSPHRASE_FILE names',
    })
  }
  const sealed = Buffer.from(content.sealed, 'base64')
  const key = derive(passphrase, Buffer.from(content.salt, 'base64'), content)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(content.nonce, 'base64'))
    decipher.setAuthTag(sealed.subarray(-16))
    return thirtyTwo(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]), file)
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw new CodedError<IdentityCode>('KEY_PASSPHRASE', `the passphrase does not open ${file}`, {
      hint: 'check WATTMESH_PASSPHRASE; a lost passphrase cannot be recovered',
    })
  }
}

function thirtyTwo(seed: Uint8Array, file: string): Uint8Array {
  if (seed.length !== 32) throw corrupt(file)
  return seed
}

function derive(passphrase: string, salt: Uint8Array, { N, r, p }: { N: number; r: number; p: number }): Buffer {
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, { N, r, p, maxmem: 256 * N * r })
}
