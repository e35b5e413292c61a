package dev.tenon.libvirt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PoolXmlTest {
    @TempDir
    private Path keyrings;

    private String written(Storage storage) {
        return PoolXml.write(PoolXml.withUser(storage, keyrings), new StorageStatus.Inactive(), "");
    }

    @Test
    void aStorageWithAKeyringAndNoUserIsUsedByAdmin() throws IOException {
        Map<String, String> properties = Map.of("pool", "vms", "monhost", "10.0.0.1");
        Storage storage = Storage.of("ceph", "rbd", properties);
        assertThat(written(storage)).doesNotContain("<auth");

        Files.createFile(keyrings.resolve("ceph.keyring"));

        assertThat(written(storage)).contains("username=\"admin\"", "usage=\"client.admin of ceph\"");
        assertThat(PoolXml.unsaid(PoolXml.withUser(storage, keyrings))).isEmpty();
        Storage named = Storage.of("ceph", "rbd", Map.of("pool", "vms", "monhost", "10.0.0.1", "username", "vm"));
        assertThat(written(named)).contains("client.vm of ceph").doesNotContain("admin");
        Storage directory = Storage.of("ceph", "dir", Map.of("path", "/srv"));
        assertThat(PoolXml.withUser(directory, keyrings)).isEqualTo(directory);
    }
}
