// Something asked of the controller by a button: under way, silent, refused or done.
import { useSignal } from "../vendor/ui.js";

/**
 * `busy` while under way, `said` the sentence to show under the button, `run(send)` to begin.
 * `send` gets a function to call while no answer comes; `run` resolves to whether it was done.
 * A second tap while one is under way is ignored.
 */
export function useDeed() {
  const busy = useSignal(false);
  const said = useSignal("");
  const run = async (send) => {
    if (busy.value) return false;
    busy.value = true;
    said.value = "";
    try {
      await send(() => (said.value = "No answer yet. Checking…"));
      said.value = "";
      return true;
    } catch (error) {
      said.value = error.message;
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, said, run };
}
