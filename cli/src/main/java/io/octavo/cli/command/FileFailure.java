package io.octavo.cli.command;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** What went wrong with a file: the library's own message is often its name alone. */
public final class FileFailure {

    private FileFailure() {}

    /** A clause with the file and the reason. */
    public static String line(IOException failure) {
        return switch (failure) {
            case NoSuchFileException missing -> missing.getFile() + " does not exist";
            case AccessDeniedException denied -> denied.getFile() + " may not be accessed";
            case NotDirectoryException file -> file.getFile() + " is no folder";
            case FileAlreadyExistsException taken ->
                taken.getFile() + " is there already, as a " + kind(taken.getFile());
            case DirectoryNotEmptyException full -> full.getFile() + " is a folder that is not empty";
            case FileSystemException other
            when other.getReason() == null -> other.getMessage() + " (" + name(other) + ")";
            default -> failure.getMessage() == null ? name(failure) : failure.getMessage();
        };
    }

    private static String kind(String file) {
        return Files.isDirectory(Path.of(file)) ? "folder" : "file";
    }

    private static String name(IOException failure) {
        return failure.getClass().getSimpleName();
    }
}
