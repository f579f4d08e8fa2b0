package io.octavo.kernels.internal.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The machine code that the build made of {@code src/main/cuda}: a module for each .cu file. */
public final class KernelLibrary implements AutoCloseable {

    private final GpuDriver driver;
    private final Map<String, LoadedFile> files = new ConcurrentHashMap<>();

    public KernelLibrary(GpuDriver driver) {
        this.driver = driver;
    }

    /** @throws CudaUnavailableException if the build compiled no kernels */
    public static void requireBuilt() {
        try (InputStream image = image("add")) {
            if (image == null) {
                throw new CudaUnavailableException(
                        "this build has no CUDA kernels: there was no nvcc or no GPU when it was made");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The file {@code name}.cu. */
    public KernelFile file(String name) {
        return files.computeIfAbsent(name, wanted -> new LoadedFile(driver, wanted, () -> read(wanted)));
    }

    /** The kernel {@code name} of {@code file}.cu. */
    public Kernel kernel(String file, String name) {
        return file(file).kernel(name);
    }

    private static byte[] read(String file) {
        try (InputStream image = image(file)) {
            if (image == null) {
                throw new IllegalStateException("the build has no " + file + ".fatbin");
            }
            return image.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable InputStream image(String file) {
        return KernelLibrary.class.getResourceAsStream("/io/octavo/kernels/cuda/" + file + ".fatbin");
    }

    @Override
    public void close() {
        files.values().forEach(LoadedFile::unload);
    }
}
