package io.octavo.worker.openai;

import java.util.List;

/** {@code GET /v1/models}. */
public record Models(String object, List<Model> data) {

    /**
     * @param created seconds since 1970
     * @param maxModelLen most tokens of a prompt and its text together; a field of other servers
     * @param fullModelLen what that would be if the cache of keys and values held it
     */
    public record Model(String id, String object, long created, String ownedBy, int maxModelLen, int fullModelLen) {

        public static Model of(String id, long created, int maxModelLength, int fullModelLength) {
            return new Model(id, "model", created, "octavo", maxModelLength, fullModelLength);
        }
    }

    public Models {
        data = List.copyOf(data);
    }

    public static Models of(Model model) {
        return new Models("list", List.of(model));
    }
}
