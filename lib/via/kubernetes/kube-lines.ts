/**
 * The lines of a stream of bytes, however they are cut. An unfinished last line is left out.
 *
 * @throws Error when a line is longer than `maxBytes`, and the error of the stream.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
      [parts, bytes, start] = [[], 0, end + 1];
      if (line.trim() !== '') yield line;
    }
    const rest = chunk.subarray(start);
    parts.push(rest);
    bytes += rest.length;
    if (bytes > maxBytes) throw new Error(`a line has more than ${maxBytes} bytes`);
  }
}
