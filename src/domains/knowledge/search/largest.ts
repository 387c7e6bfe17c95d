/**
 * The indexes of the `count` largest of `values`, in no order: a heap of the ones kept, so that a hundred thousand cost
 * about as much as reading them once.
 */
export function largest(values: ArrayLike<number>, count: number): number[] {
  if (values.length <= count) return Array.from({ length: values.length }, (_, index) => index)
  /** A binary heap, the smallest on top. */
  const heap: number[] = []
  const at = (place: number): number => values[heap[place] as number] as number
  for (let index = 0; index < values.length && count > 0; index++) {
    if (heap.length < count) {
      heap.push(index)
      rise(heap, at)
    } else if ((values[index] as number) > at(0)) {
      heap[0] = index
      sink(heap, at)
    }
  }
  return heap
}

function rise(heap: number[], at: (place: number) => number): void {
  let place = heap.length - 1
  while (place > 0) {
    const parent = (place - 1) >> 1
    if (at(place) >= at(parent)) return
    swap(heap, place, parent)
    place = parent
  }
}

function sink(heap: number[], at: (place: number) => number): void {
  for (let place = 0; ; ) {
    const [left, right] = [2 * place + 1, 2 * place + 2]
    let smallest = place
    if (left < heap.length && at(left) < at(smallest)) smallest = left
    if (right < heap.length && at(right) < at(smallest)) smallest = right
    if (smallest === place) return
    swap(heap, place, smallest)
    place = smallest
  }
}

function swap(heap: number[], a: number, b: number): void {
  const kept = heap[a] as number
  heap[a] = heap[b] as number
  heap[b] = kept
}
