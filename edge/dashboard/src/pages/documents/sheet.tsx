import { useState, type MouseEvent } from 'react'
import { useQuery } from '@tanstack/react-query'
import { ChevronLeft, ChevronRight, ZoomIn, ZoomOut } from 'lucide-react'
import { pageQuery, pictureOf, type DocumentPage, type Job } from '../../api/documents'
import { IconButton } from '../../ui/button'
import { visible } from '../../ui/format'
import { icoS } from '../../ui/icons'
import { Failed } from '../../ui/states'
import { Text } from '../../ui/text'
import { calledDocument } from './list'
import { isWithin, SURE, textOf, type Leaf } from './values'

const ZOOMS = [1, 1.5, 2, 3]
/** How far a box stands off from its words, as a part of the page's width. */
const MARGIN = 0.004

type Marks = {
  leaves: Leaf[]
  lit: string | null
  onLight: (path: string | null) => void
  /** Unset for those who may only look. */
  onCorrect?: (path: string) => void
  /** The words that are chosen for a value; unset while none is being corrected. */
  picked?: Set<number>
  onPick: (places: Set<number>, text: string) => void
}

/** A page of the document with what was found on it. */
export function Sheet({
  agent,
  job,
  number,
  onTurn,
  ...marks
}: Marks & { agent: string; job: Job; number: number; onTurn: (page: number) => void }) {
  const query = useQuery(pageQuery(agent, job.id, number))
  const [zoom, setZoom] = useState(0)
  // The page whose picture could not be had: its words are shown instead.
  const [undrawn, setUndrawn] = useState<number>()
  const page = query.data
  const isDrawn = page && !page.synthetic && undrawn !== number
  const here = marks.leaves.filter(leaf => leaf.page === number && leaf.box)
  return (
    <section className="doc-view" aria-label="Page">
      <header>
        <span className="small muted num">
          Page {number}
          {job.pageCount ? ` of ${job.pageCount}` : ''}
          {page?.name && (
            <>
              {' '}
              <Text>{page.name}</Text>
            </>
          )}
        </span>
        <div className="row nowrap">
          <IconButton
            label="Previous page"
            isDisabled={!page?.previous}
            onPress={() => page?.previous && onTurn(page.previous)}
          >
            <ChevronLeft {...icoS} />
          </IconButton>
          <IconButton label="Next page" isDisabled={!page?.next} onPress={() => page?.next && onTurn(page.next)}>
            <ChevronRight {...icoS} />
          </IconButton>
          <IconButton label="Zoom out" isDisabled={!isDrawn || zoom === 0} onPress={() => setZoom(zoom - 1)}>
            <ZoomOut {...icoS} />
          </IconButton>
          <IconButton
            label="Zoom in"
            isDisabled={!isDrawn || zoom === ZOOMS.length - 1}
            onPress={() => setZoom(zoom + 1)}
          >
            <ZoomIn {...icoS} />
          </IconButton>
        </div>
      </header>
      <div className="doc-page" tabIndex={0} role="region" aria-label={`Page ${number}`} aria-busy={query.isPending}>
        {query.isError ? (
          <Failed what="The page" error={query.error} onRetry={() => query.refetch()} />
        ) : !page ? (
          <div className="bone" />
        ) : isDrawn ? (
          <figure style={{ aspectRatio: `${page.width} / ${page.height}`, width: `${ZOOMS[zoom] * 100}%` }}>
            <img
              key={number}
              src={pictureOf(agent, job.id, number)}
              alt={`Page ${number} of ${visible(calledDocument(job))}`}
              onError={() => setUndrawn(number)}
            />
            <Boxes page={page} {...marks} leaves={here} />
          </figure>
        ) : (
          <>
            {!page.synthetic && <p className="small muted">There is no picture of this page. These are its words.</p>}
            <Words page={page} {...marks} leaves={here} />
          </>
        )}
        {page && page.wordCount > page.words.length && (
          <p className="small muted num">The first {page.words.length} of its words can be clicked.</p>
        )}
      </div>
    </section>
  )
}

const toggled = (picked: Set<number>, place: number) => {
  const places = new Set(picked)
  if (!places.delete(place)) places.add(place)
  return places
}

/** The keyboard stays with the value that words are clicked for: Enter saves it, Escape leaves it. */
const keepFocus = (event: MouseEvent) => event.preventDefault()

/** Boxes over the picture: of values, and of words while one is being corrected. Screen readers have the list. */
function Boxes({ page, leaves, lit, onLight, onCorrect, picked, onPick }: Marks & { page: DocumentPage }) {
  const { width, height } = page
  const margin = MARGIN * width
  return (
    <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {leaves.map(({ path, box, confidence, isCorrected }) => {
        if (!box) return null
        const look = [
          lit === path && 'on',
          confidence < SURE && !isCorrected && 'low',
          picked && 'quiet',
          onCorrect && !picked && 'can',
        ]
        return (
          <rect
            key={path}
            x={box.left * width - margin}
            y={box.top * height - margin}
            width={box.width * width + 2 * margin}
            height={box.height * height + 2 * margin}
            className={look.filter(Boolean).join(' ')}
            onPointerEnter={() => onLight(path)}
            onPointerLeave={() => onLight(null)}
            onClick={() => onCorrect?.(path)}
          />
        )
      })}
      {picked &&
        page.words.map(({ boundingBox: box, hidden }, place) =>
          box && !hidden ? (
            <rect
              key={place}
              data-word={place}
              x={box.left * width}
              y={box.top * height}
              width={box.width * width}
              height={box.height * height}
              className={picked.has(place) ? 'word picked' : 'word'}
              onMouseDown={keepFocus}
              onClick={() => {
                const places = toggled(picked, place)
                onPick(places, textOf(page.words, places))
              }}
            />
          ) : null,
        )}
    </svg>
  )
}

/** A page that nobody can see: its words line by line. */
function Words({ page, leaves, lit, onLight, onCorrect, picked, onPick }: Marks & { page: DocumentPage }) {
  const lines: number[][] = []
  page.words.forEach(({ line }, place) => (lines[line] ??= []).push(place))
  const leafOf = (place: number) => {
    const box = page.words[place].boundingBox
    return box && leaves.find(leaf => leaf.box && isWithin(box, leaf.box))
  }
  return (
    <div className="doc-words">
      {lines.map((places, line) => (
        <p key={line}>
          {places.map(place => {
            const leaf = leafOf(place)
            const look = [
              leaf && 'found',
              leaf && leaf.path === lit && 'on',
              picked && 'word',
              picked?.has(place) && 'picked',
              page.words[place].hidden && 'hidden-word',
            ]
            return (
              <span
                key={place}
                data-word={place}
                className={look.filter(Boolean).join(' ') || undefined}
                title={page.words[place].hidden ? 'The document does not show this word' : undefined}
                onMouseDown={picked && keepFocus}
                onPointerEnter={() => leaf && onLight(leaf.path)}
                onPointerLeave={() => leaf && onLight(null)}
                onClick={() => {
                  if (picked) {
                    const next = toggled(picked, place)
                    onPick(next, textOf(page.words, next))
                  } else if (leaf) {
                    onCorrect?.(leaf.path)
                  }
                }}
              >
                <Text>{page.words[place].text}</Text>{' '}
              </span>
            )
          })}
        </p>
      ))}
    </div>
  )
}
