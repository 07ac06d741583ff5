/** Below this share it warns. */
const LOW = 0.15

export function Meter({ value, max, label }: { value: number; max: number; label: string }) {
  const share = max > 0 ? value / max : 0
  const look = value === 0 ? ' out' : share < LOW ? ' low' : ''
  return (
    <div
      className={'meter' + look}
      role="meter"
      aria-valuenow={value}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-label={label}
    >
      <i style={{ width: `${share * 100}%` }} />
    </div>
  )
}
