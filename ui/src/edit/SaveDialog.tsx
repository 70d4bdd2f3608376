// What would be written, before it is written.
import { useState } from "react";
import { visible } from "../format";
import { Dialog, Diff, Field } from "../parts";
import type { Edited } from "./useEditing";

export function SaveDialog({ edited, close, saved }: { edited: Edited; close(): void; saved(path: string): void }) {
  const { read, now, conflict } = edited;
  const [path, setPath] = useState(read.read_only ? `${(read.view?.name ?? "graph").replace(/[^\w-]+/g, "_")}_mine.yaml` : read.path);
  const diff = now?.diff ?? [];
  const save = async () => {
    const done = await edited.save(path);
    if (done) saved(done.path);
  };
  return (
    <Dialog title="Save" close={close}>
      {conflict.length > 0 ? (
        <>
          <p className="finding">The file was changed meanwhile, and nothing was written. What differs on disk:</p>
          <Diff lines={conflict} />
          <footer><button type="button" onClick={close}>Keep editing</button><button type="button" className="primary" onClick={() => { edited.reread(); close(); }}>Read it anew, without my edits</button></footer>
        </>
      ) : (
        <>
          {diff.length ? <Diff lines={diff} /> : <p className="dim">{read.read_only ? "A copy, word for word." : "Nothing was changed."}</p>}
          <Field label="File" says={read.read_only ? "The graph stays as it is: this is a file of your own." : undefined}>{(id) => <input id={id} value={path} disabled={!read.read_only} onChange={(event) => setPath(event.target.value)} />}</Field>
          <footer><button type="button" onClick={close}>Cancel</button><button type="button" className="primary" disabled={!path.trim() || (!read.read_only && !edited.dirty)} onClick={() => void save()}>Save {visible(path)}</button></footer>
        </>
      )}
    </Dialog>
  );
}
