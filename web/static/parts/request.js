// Something asked of the controller by a button: under way, silent, refused or done.
import { messageOf } from "../core/api.js";
import { useSignal } from "../vendor/ui.js";

/**
 * Makes a request; calls `onSilence` while no answer comes, and throws what it is refused with.
 * @typedef {(onSilence: () => void) => Promise<unknown>} Send
 */

/**
 * Carries out a request, and resolves to whether it was done.
 * @typedef {(send: Send) => Promise<boolean>} Run
 */

/**
 * `busy` while under way, `message` the sentence to show under the button, `run` to begin. A second
 * tap while a request is under way is ignored.
 */
export function useRequest() {
  const busy = useSignal(false);
  const message = useSignal("");
  /** @type {Run} */
  const run = async (send) => {
    if (busy.value) return false;
    busy.value = true;
    message.value = "";
    try {
      await send(() => {
        message.value = "No answer yet. Trying again…";
      });
      message.value = "";
      return true;
    } catch (error) {
      message.value = messageOf(error);
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, message, run };
}
