// The way to the lab. The token comes in the address, behind the #, which no browser sends
// on; this tab keeps it.

const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) {
  sessionStorage.setItem('token', given);
  history.replaceState(null, '', location.pathname);
}
addEventListener('hashchange', () => location.reload());

async function ask(path, options = {}) {
  const headers = { ...options.headers, Authorization: 'Bearer ' + sessionStorage.getItem('token') };
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok) return answer;
  const error = new Error((await answer.text()).trim() || answer.statusText);
  error.refused = answer.status === 401;
  throw error;
}

// post sends JSON; its error says what the lab has against it.
export async function post(path, value) {
  await ask(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) });
}

// stream reads server-sent events, each with its name and its data, until they end.
// (EventSource cannot send the token.)
export async function stream(path, signal, take) {
  const answer = await ask(path, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop();
    for (const part of parts) {
      const [, name, data] = part.match(/^event: (.*)\ndata: (.*)$/);
      take(name, JSON.parse(data));
    }
  }
}
