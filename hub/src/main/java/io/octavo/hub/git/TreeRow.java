package io.octavo.hub.git;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** One name in a folder. */
record TreeRow(String name, String id, boolean folder) {

    /** Folders are sorted as if a slash ended their names. */
    byte[] sortKey() {
        return (folder ? name + "/" : name).getBytes(StandardCharsets.UTF_8);
    }

    byte[] bytes() {
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(((folder ? "40000 " : "100644 ") + name + "\0").getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(HexFormat.of().parseHex(id));
        return bytes.toByteArray();
    }
}
