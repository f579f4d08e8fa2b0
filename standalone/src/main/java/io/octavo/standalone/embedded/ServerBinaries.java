package io.octavo.standalone.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;

/**
 * The unpacked programs of the embedded PostgreSQL. The library that unpacks them leaves their folder writable by
 * everybody; whoever replaces one would run as us.
 */
record ServerBinaries(Path folder) {

    private static final Set<PosixFilePermission> WRITE_OF_OTHERS =
            EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);
    private static final Set<PosixFilePermission> OWNER = EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    /** What others could have changed is unpacked anew. */
    void removeIfOthersMayWrite() throws IOException {
        for (Path path : paths()) {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS);
            if (!Files.isSymbolicLink(path) && permissions.stream().anyMatch(WRITE_OF_OTHERS::contains)) {
                FileSystemUtils.deleteRecursively(folder);
                Files.createDirectory(folder, Home.OWNER_ONLY);
                return;
            }
        }
    }

    /** Takes the rights of everybody but the owner away. */
    void closeToOthers() throws IOException {
        for (Path path : paths()) {
            if (!Files.isSymbolicLink(path)) {
                Set<PosixFilePermission> permissions = EnumSet.copyOf(Files.getPosixFilePermissions(path));
                if (permissions.retainAll(OWNER)) {
                    Files.setPosixFilePermissions(path, permissions);
                }
            }
        }
    }

    private List<Path> paths() throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.toList();
        }
    }
}
