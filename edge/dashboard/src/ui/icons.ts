/** The sizes of icons: beside text, and within small controls. */
export const ico = { size: '1rem', strokeWidth: 1.75, 'aria-hidden': true } as const
export const icoS = { size: '0.875rem', strokeWidth: 1.75, 'aria-hidden': true } as const
