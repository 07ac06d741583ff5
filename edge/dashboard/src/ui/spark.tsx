const WIDTH = 78
const HEIGHT = 20

/** Requests of the last hours as bars, by the square root, so that few beside many can be seen; refused ones below. */
export function Spark({ values, refused, label }: { values: number[]; refused: number[]; label: string }) {
  const max = Math.max(...values, 1)
  const step = WIDTH / Math.max(values.length, 1)
  return (
    <svg className="spark" width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      {values.map((value, at) => {
        const height = value ? Math.max(2, Math.sqrt(value / max) * HEIGHT) : 1
        const bad = refused[at] ? Math.max(1.5, (refused[at] / value) * height) : 0
        return (
          <g key={at}>
            <rect
              x={at * step}
              width={step - 1.25}
              y={HEIGHT - height}
              height={height}
              opacity={value ? 1 : 0.5}
              rx={0.5}
            />
            {bad > 0 && (
              <rect className="refused" x={at * step} width={step - 1.25} y={HEIGHT - bad} height={bad} rx={0.5} />
            )}
          </g>
        )
      })}
    </svg>
  )
}
