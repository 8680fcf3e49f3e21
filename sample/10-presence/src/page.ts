/** Opens a stream for the room and the name in the address: `/?room=lobby&name=Ann`. */
export const page = `<!doctype html>
<meta charset="utf-8">
<title>Who is here?</title>
<style>body { font: 16px system-ui; margin: 3rem } small { color: gray }</style>
<form>
  <input name="room" placeholder="room"> <input name="name" placeholder="your name"> <button>Enter</button>
</form>
<h1></h1>
<ul></ul>
<script>
  const { room = 'lobby', name } = Object.fromEntries(new URLSearchParams(location.search));
  if (name) {
    document.querySelector('h1').textContent = room;
    const live = new EventSource('/rooms/' + encodeURIComponent(room) + '/live?name=' + encodeURIComponent(name));
    live.onmessage = ({ data }) => {
      const guests = JSON.parse(data).map(({ name, replica }) => {
        const item = document.createElement('li');
        const where = document.createElement('small');
        where.textContent = ' on ' + replica;
        item.append(name, where);
        return item;
      });
      document.querySelector('ul').replaceChildren(...guests);
    };
  }
</script>
`;
