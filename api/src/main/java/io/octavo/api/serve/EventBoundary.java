package io.octavo.api.serve;

/** Whether a stream of server-sent events stands between two of them, as far as it was passed on. */
final class EventBoundary {

    private byte last = '\n';
    private byte before = '\n';

    void passed(byte[] bytes) {
        for (int i = Math.max(0, bytes.length - 2); i < bytes.length; i++) {
            before = last;
            last = bytes[i];
        }
    }

    boolean isBetween() {
        return last == '\n' && before == '\n';
    }
}
