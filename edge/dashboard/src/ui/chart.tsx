// By hand: SVG in our own tokens. No inline <style>, nothing for the policy of the page to refuse; beside every chart
// the same as a table.
import { useEffect, useRef, useState } from 'react'
import { num } from './format'

export type Bucket = { start: string; allowed: number; limited: number; refused: number }

/** Lengths in pixels: the chart, and the room for its axes. */
const HEIGHT = 208
const LEFT = 40
const BOTTOM = 22
const TOP = 8
const WIDEST_BAR = 22
/** Room for a label below, and half the width of the tip. */
const LABEL = 110
const HALF_TIP = 90

/** A round number that is not below this one, whose quarters are round, too. */
function roof(max: number): number {
  if (max <= 4) return 4
  const power = 10 ** Math.floor(Math.log10(max))
  const steps = power === 1 ? [4, 8, 12] : [1, 2, 3, 4, 6, 8, 10]
  return (steps.find(step => step * power >= max) ?? 12) * power
}

const PARTS = [
  ['allowed', 'ok'],
  ['limited', 'limited'],
  ['refused', 'refused'],
] as const

/** Requests over time, a bar for each bucket. `short` and `long` name the start of a bucket. */
export function UsageChart({
  buckets,
  short,
  long,
}: {
  buckets: Bucket[]
  short: (iso: string) => string
  long: (iso: string) => string
}) {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(760)
  const [at, setAt] = useState<number | null>(null)
  useEffect(() => {
    if (!box.current) return
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width))
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [])

  const top = roof(Math.max(...buckets.map(({ allowed, limited, refused }) => allowed + limited + refused)))
  const y = (count: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - count / top)
  const step = (width - LEFT) / buckets.length
  const every = Math.ceil(buckets.length / Math.max(2, Math.floor(width / LABEL)))
  const shown = at === null ? null : buckets[at]
  const last = buckets.length - 1
  const move: Record<string, (from: number) => number> = {
    ArrowLeft: from => Math.max(0, from - 1),
    ArrowRight: from => Math.min(last, from + 1),
    Home: () => 0,
    End: () => last,
  }
  return (
    <div ref={box} className="chart">
      <svg
        height={HEIGHT}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="application"
        aria-roledescription="bar chart"
        aria-label="Requests over time. Left and right arrow keys read one bar at a time."
        tabIndex={0}
        onBlur={() => setAt(null)}
        onPointerLeave={() => setAt(null)}
        onKeyDown={event => {
          const go = move[event.key]
          if (!go) return
          event.preventDefault()
          setAt(before => (before === null && event.key.startsWith('Arrow') ? last : go(before ?? last)))
        }}
      >
        {[0, 0.25, 0.5, 0.75, 1].map(share => {
          const line = Math.round(y(top * share)) + 0.5
          return (
            <g key={share}>
              <line className={share ? 'grid' : 'base'} x1={LEFT} x2={width} y1={line} y2={line} />
              <text x={LEFT - 8} y={y(top * share) + 3.5} textAnchor="end">
                {num(top * share)}
              </text>
            </g>
          )
        })}
        {buckets.map((bucket, bar) => (
          <g key={bucket.start} className={at === bar ? 'on' : undefined} onPointerEnter={() => setAt(bar)}>
            <rect className="hit" x={LEFT + bar * step} width={step} y={TOP} height={HEIGHT - TOP - BOTTOM} />
            <Bar bucket={bucket} x={LEFT + bar * step} step={step} y={y} />
            {bar % every === Math.floor(every / 2) && (
              <text x={LEFT + (bar + 0.5) * step} y={HEIGHT - 6} textAnchor="middle">
                {short(bucket.start)}
              </text>
            )}
          </g>
        ))}
      </svg>
      <div className="sr" aria-live="polite">
        {shown &&
          `${long(shown.start)}: ${num(shown.allowed)} allowed, ${num(shown.limited)} rate limited, ${num(shown.refused)} refused`}
      </div>
      {shown && at !== null && (
        <div
          className="chart-tip"
          style={{ insetInlineStart: Math.min(Math.max(LEFT + (at + 0.5) * step, HALF_TIP), width - HALF_TIP) }}
        >
          <div className="small faint">{long(shown.start)}</div>
          <dl>
            <dt>
              <i className="ok" />
              Allowed
            </dt>
            <dd>{num(shown.allowed)}</dd>
            <dt>
              <i className="limited" />
              Rate limited
            </dt>
            <dd>{num(shown.limited)}</dd>
            <dt>
              <i className="refused" />
              Refused
            </dt>
            <dd>{num(shown.refused)}</dd>
          </dl>
        </div>
      )}
    </div>
  )
}

function Bar({ bucket, x, step, y }: { bucket: Bucket; x: number; step: number; y: (count: number) => number }) {
  const width = Math.max(2, Math.min(WIDEST_BAR, step - Math.max(2, step * 0.28)))
  const parts = PARTS.filter(([part]) => bucket[part] > 0)
  let below = 0
  return parts.map(([part, look], at) => {
    const [from, to] = [y(below), y(below + bucket[part])]
    below += bucket[part]
    return (
      <rect
        key={part}
        className={look}
        x={x + (step - width) / 2}
        width={width}
        y={to}
        height={Math.max(1, from - to)}
        rx={at === parts.length - 1 ? Math.min(2, width / 3) : 0}
      />
    )
  })
}
