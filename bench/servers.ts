/** Starts the programs that are compared: Heddle, nginx, ArLocal and wao, each on a free loopback port with its files in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Server {
  readonly url: string
  readonly host: string
  readonly folder: string
  readonly startMs: number
  readonly pid: number
  /** Ends it and keeps its files. */
  end(): Promise<void>
  stop(): Promise<void>
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const END_MS_MAX = 10_000
const NGINX = '/usr/sbin/nginx'
const ARLOCAL = join(ROOT, 'bench/peers/node_modules/.bin/arlocal')

/** `keep` starts on an existing folder. */
export async function startHeddle(folder = mkdtempSync(join(tmpdir(), 'heddle-bench-')), flags: readonly string[] = []): Promise<Server> {
  const began = performance.now()
  const child = spawn(process.execPath, [join(ROOT, 'bin/heddle.js'), 'start', '--json', '--port', '0', '--data', folder, ...flags], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString()
      if (text.includes('\n')) resolve((JSON.parse(text.split('\n')[0]!) as { url: string }).url)
    })
    child.once('exit', (code) => reject(new Error(`heddle start ended with ${code}: ${text}`)))
  })
  return server(child, url.replace('localhost', '127.0.0.1'), folder, performance.now() - began)
}

/** Null when nginx is not installed. */
export async function startNginx(files: Readonly<Record<string, Uint8Array>>): Promise<Server | null> {
  if (!existsSync(NGINX)) return null
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-nginx-'))
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes, { mode: 0o644 })
  const port = await freePort()
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `user root; worker_processes 2; daemon off; error_log /dev/null; pid ${folder}/nginx.pid;
events { worker_connections 512; }
http { access_log off; sendfile on; keepalive_requests 1000000; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; root ${folder}; } }`,
  )
  const began = performance.now()
  const child = spawn(NGINX, ['-c', config, '-p', folder], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  await untilAnswers(`${url}/nginx.conf`)
  return server(child, url, folder, performance.now() - began)
}

/** Null when it is not installed: `npm install --prefix bench/peers`. */
export async function startArLocal(): Promise<Server | null> {
  if (!existsSync(ARLOCAL)) return null
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-arlocal-'))
  const port = await freePort()
  const began = performance.now()
  const child = spawn(process.execPath, [ARLOCAL, String(port), '--hidelogs', '--dbpath', folder], { cwd: folder, stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  await untilAnswers(`${url}/info`)
  return server(child, url, folder, performance.now() - began)
}

/** Its units have the ports from that of `url` on. */
export async function startWao(): Promise<Server> {
  const port = await freePort()
  const began = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-wao-'))
  const child = spawn(process.execPath, [join(ROOT, 'bench/wao-server.ts'), String(port)], { cwd: folder, stdio: 'ignore' })
  await untilAnswers(`http://127.0.0.1:${port + 4}/`)
  return server(child, `http://127.0.0.1:${port}`, folder, performance.now() - began)
}

function server(child: ChildProcess, url: string, folder: string, startMs: number): Server {
  const end = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
    await ended
    clearTimeout(timer)
  }
  return {
    url,
    host: new URL(url).host,
    folder,
    startMs,
    pid: child.pid!,
    end,
    async stop() {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilAnswers(url: string): Promise<void> {
  const deadline = performance.now() + 20_000
  while (performance.now() < deadline) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${url} does not answer`)
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
