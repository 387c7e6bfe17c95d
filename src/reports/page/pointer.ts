/** What the page knows of a chart over time; `plotOf` writes it beside the drawing. */
interface Followed {
  readonly fromMs: number
  readonly toMs: number
  readonly eachMs: number
  readonly sizes: Readonly<Record<string, { readonly width: number; readonly left: number; readonly right: number }>>
  readonly entries: readonly { readonly name: string; readonly colour: string }[]
  /** Time, the time in words, then a value for each entry. */
  readonly moments: readonly (readonly [number, string, ...string[]])[]
}

/**
 * Runs in the page, as its text: it may use nothing from outside itself. Without it the page loses only the figures
 * under the pointer.
 */
function followPointer(): void {
  for (const plot of document.querySelectorAll<HTMLElement>('.follows')) {
    const cursor = plot.querySelector<HTMLElement>('.cursor')
    const tip = plot.querySelector<HTMLElement>('.tip')
    const text = plot.querySelector('script')?.textContent
    if (cursor === null || tip === null || text === undefined || text === null) continue
    const { fromMs, toMs, eachMs, sizes, entries, moments } = JSON.parse(text) as Followed
    let at = moments.length - 1

    /** Where the plot lies in the drawing that is shown, in pixels of the screen. */
    const room = () => {
      const drawing = [...plot.querySelectorAll<HTMLElement>('.wide, .narrow')].find(one => one.offsetWidth > 0)
      const size = sizes[drawing?.className ?? ''] ?? { width: 1, left: 0, right: 0 }
      const scale = plot.clientWidth / size.width
      return { left: size.left * scale, width: (size.width - size.left - size.right) * scale }
    }
    const hide = () => {
      cursor.hidden = true
      tip.hidden = true
    }
    const show = () => {
      const moment = moments[at]
      if (moment === undefined) return
      const [atMs, when, ...values] = moment
      const { left, width } = room()
      const x = left + ((atMs + eachMs / 2 - fromMs) / (toMs - fromMs)) * width
      const title = document.createElement('b')
      title.textContent = when
      const rows = entries.flatMap(({ name, colour }, i) => {
        const value = values[i]
        if (value === undefined || value === '') return []
        const [row, mark, said] = ['div', 'i', 'span'].map(tag => document.createElement(tag))
        if (row === undefined || mark === undefined || said === undefined) return []
        mark.style.setProperty('--of', colour)
        said.textContent = value
        row.append(mark, name, said)
        return [row]
      })
      tip.replaceChildren(title, ...rows)
      cursor.hidden = false
      tip.hidden = false
      cursor.style.left = `${x}px`
      const beside = x > plot.clientWidth / 2 ? x - tip.offsetWidth - 12 : x + 12
      tip.style.left = `${Math.max(0, Math.min(plot.clientWidth - tip.offsetWidth, beside))}px`
    }
    const pointed = (event: PointerEvent) => {
      const { left, width } = room()
      const x = event.clientX - plot.getBoundingClientRect().left - left
      const ms = fromMs + (x / width) * (toMs - fromMs)
      // The last one that had begun: a value holds for its slot.
      const next = moments.findIndex(([atMs]) => atMs > ms)
      at = next === -1 ? moments.length - 1 : Math.max(0, next - 1)
      show()
    }
    const steps: Record<string, () => number> = {
      ArrowLeft: () => at - 1,
      ArrowRight: () => at + 1,
      Home: () => 0,
      End: () => moments.length - 1,
    }
    plot.addEventListener('pointermove', pointed)
    plot.addEventListener('pointerdown', pointed)
    plot.addEventListener('pointerleave', hide)
    plot.addEventListener('blur', hide)
    window.addEventListener('resize', hide)
    plot.addEventListener('keydown', event => {
      if (event.key === 'Escape') return hide()
      const step = steps[event.key]
      if (step === undefined) return
      event.preventDefault()
      at = Math.max(0, Math.min(moments.length - 1, step()))
      show()
    })
  }
}

export const POINTER_SCRIPT = `(${followPointer.toString()})()`
