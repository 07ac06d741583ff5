import { Button } from './button'

/** What this needs of a list that comes in pages, newest first. */
type Paged = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }

/** The foot of such a list: in which order it is, and more of it, while there is more. */
export function Older({
  of: { hasNextPage, isFetchingNextPage, fetchNextPage },
  order,
}: {
  of: Paged
  /** Another order than the usual one. */
  order?: string
}) {
  return (
    <div className="pager">
      <span>{order ?? 'Newest first'}</span>
      {hasNextPage && (
        <Button size="small" pending={isFetchingNextPage} onPress={() => fetchNextPage()}>
          {order ? 'More' : 'Older'}
        </Button>
      )}
    </div>
  )
}
