/** Messages as people see them: the pages of a node in a browser, in light and dark, on a phone and on a desk, with a keyboard and without scripts. */
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeSignedHttpMessage, linkId, message, messageSigner } from '../../src/codec/index.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { findChromium } from './support/chromium.ts'
import { devWallet } from './wallets.ts'

const browserPath = findChromium()
const EVIL = encodeURIComponent('<script>window.ran=1</script>')

describe.skipIf(browserPath === null)(
  'pages in a browser (skipped where there is no Chromium: CHROMIUM_PATH names one)',
  { timeout: 60_000 },
  () => {
    let node: TestNode
    let browser: Browser
    let id = ''
    const stored = message({
      title: 'A story',
      text: 'Once upon a time. '.repeat(100),
      child: { colour: 'red', list: [1, 2.5] },
      evil: '<script>window.ran = 1</script>',
    })

    beforeAll(async () => {
      node = await startTestNode()
      browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] })
      const { headers, body } = await encodeSignedHttpMessage(stored, messageSigner(devWallet('alice')), { bundle: true })
      const reply = await fetch(`${node.url}/~message@1.0/set`, {
        method: 'POST',
        headers: [...headers].map(([name, value]): [string, string] => [name, String(value)]),
        body: new Uint8Array(body ?? []),
      })
      expect(reply.status).toBe(200)
      id = linkId(stored.get('child') as ReturnType<typeof message>)
    })
    afterAll(async () => {
      await browser?.close()
      await node?.stop()
    })

    /** With what the browser complains of: a policy that a page breaks, a script that fails. */
    async function open(
      path: string,
      options: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number } = {},
    ): Promise<{ page: Page; status: number; complaints: string[] }> {
      const { colorScheme = 'light', width = 1_200 } = options
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } })
      const complaints: string[] = []
      page.on('console', (said) => complaints.push(said.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      const response = await page.goto(node.url + path)
      return {
        page,
        status: response?.status() ?? 0,
        complaints: complaints.filter((text) => !text.startsWith('Failed to load resource: the server responded')),
      }
    }

    it.each([
      ['light', 1_200],
      ['light', 360],
      ['dark', 1_200],
      ['dark', 360],
    ] as const)('fit and can be read: %s, %i wide', async (colorScheme, width) => {
      for (const path of [
        '/~meta@1.0/info',
        `/${id}`,
        `/${id}~message@1.0`,
        '/~nodevice@1.0/x',
        `/${'A'.repeat(43)}~message@1.0/${'b'.repeat(200)}`,
      ]) {
        const { page, complaints } = await open(path, { colorScheme, width })
        expect([path, complaints, await page.evaluate('document.documentElement.scrollWidth - innerWidth')]).toEqual([path, [], 0])
        expect(await page.evaluate(LOWEST_CONTRAST)).toBeGreaterThanOrEqual(4.5)
        await page.close()
      }
    })

    it('say what they are, and lead on by links alone', async () => {
      const { page } = await open('/~meta@1.0/info')
      expect(await page.title()).toBe('/~meta@1.0/info · Heddle')
      for (const role of ['banner', 'main', 'contentinfo', 'navigation'] as const) expect(await page.getByRole(role).count()).toBe(1)
      expect(await page.getByRole('heading').allTextContents()).toEqual(['/~meta@1.0/info', 'Keys', 'Signatures'])
      await page.getByRole('link', { name: 'As JSON' }).click()
      expect(JSON.parse((await page.textContent('body')) ?? '')['operator']).toMatch(/^[\w-]{43}$/)
      await page.goBack()
      await page.getByRole('link', { name: 'preloaded_devices' }).click()
      expect(new URL(page.url()).pathname).toBe('/~meta@1.0/info/preloaded_devices')
      await page
        .getByRole('link', { name: /^[\w-]{43}$/ })
        .first()
        .click()
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toMatch(/^\/[\w-]{43}$/)
      await page.close()
    })

    it('show a message that is nobody’s file by its id', async () => {
      const { page, status } = await open(`/${id}`)
      expect([status, await page.textContent('h1')]).toEqual([200, `/${id}`])
      expect(await page.textContent('main')).toMatch(/colour.*text.*red.*list.*2 items.*2\.5/s)
      await page.close()
    })

    it('work with a keyboard, and run nothing that a message says', async () => {
      const long = encodeURIComponent('Once upon a time. '.repeat(18))
      const { page } = await open(`/~message@1.0/set?text=${long}&evil=${EVIL}`)
      const summary = page.locator('summary').first()
      await summary.focus()
      await page.keyboard.press('Enter')
      expect(await page.locator('details pre').first().isVisible()).toBe(true)
      expect(await page.textContent('main')).toContain('<script>window.ran=1</script>')
      expect(await page.evaluate('window.ran')).toBeUndefined()
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.tagName')).toBe('PRE')
      await page.close()
      const value = await open(`/~message@1.0/evil?evil=${EVIL}`)
      expect([await value.page.evaluate('window.ran'), await value.page.textContent('body')]).toEqual([
        undefined,
        '<script>window.ran=1</script>',
      ])
      await value.page.close()
    })

    it.each([
      ['/~nodevice@1.0/x', 404, 'device-unknown'],
      ['/~message@1.0&n+integer=x/n', 400, 'encoding-invalid'],
      ['/~message@1.0/nothing', 404, 'This was asked of'],
      [`/${'A'.repeat(43)}`, 404, ''],
      ['/unknown', 400, 'Request type not found.'], // As Arweave nodes say: nothing tells that it is AO-Core's.
    ])('say what went wrong: %s', async (path, status, words) => {
      const opened = await open(path)
      expect([opened.status, await opened.page.textContent('body')]).toEqual([status, expect.stringContaining(words)])
      await opened.page.close()
    })
  },
)

/** WCAG's contrast of every text with what is behind it; the lowest. */
const LOWEST_CONTRAST = `(() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const parse = (color) => color.match(/[\\d.]+/g).map(Number)
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor)
      if (a > 0) return [r, g, b]
    }
    return [255, 255, 255]
  }
  const contrasts = [...document.querySelectorAll('body *')].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
    const [a, b] = [luminance(parse(getComputedStyle(e).color).slice(0, 3)), luminance(behind(e))].sort((x, y) => y - x)
    return (a + 0.05) / (b + 0.05)
  })
  return Math.min(...contrasts)
})()`
