package PVE::BackupProvider::Plugin::Base;

# The base class of a host of the draft, by the names of its methods. No such host was ever released.

use v5.36;

for my $name (qw(
    new provider_name
    job_hook
    backup_hook
    backup_get_mechanism
    backup_get_archive_name
    backup_get_task_size
    backup_handle_log_file
    backup_vm
    backup_container
    restore_get_mechanism
    restore_get_guest_config
    restore_get_firewall_config
    restore_vm_init
    restore_vm_cleanup
    restore_vm_volume_init
    restore_vm_volume_cleanup
    restore_container_init
    restore_container_cleanup
    )
) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    *{$name} = sub { die "implement me in subclass\n" };
}

1;
