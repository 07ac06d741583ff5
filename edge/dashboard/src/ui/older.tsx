import { Button } from './button'
import { Refusal } from './states'

/** What this needs of a list that comes in pages, newest first. */
type Paged = {
  hasNextPage: boolean
  isFetchingNextPage: boolean
  isFetchNextPageError: boolean
  error: unknown
  fetchNextPage: () => unknown
}

/** The foot of such a list: in which order it is, and more of it, while there is more. */
export function Older({
  of: { hasNextPage, isFetchingNextPage, isFetchNextPageError, error, fetchNextPage },
  order,
}: {
  of: Paged
  /** Another order than the usual one. */
  order?: string
}) {
  return (
    <>
      {isFetchNextPageError && !isFetchingNextPage && (
        <div className="pad line-above">
          <Refusal error={error} />
        </div>
      )}
      <div className="pager">
        <span>{order ?? 'Newest first'}</span>
        {hasNextPage && (
          <Button size="small" pending={isFetchingNextPage} onPress={() => fetchNextPage()}>
            {order ? 'More' : 'Older'}
          </Button>
        )}
      </div>
    </>
  )
}
