package PVE::BackupProvider::Plugin::Base;

use v5.36;

for my $name (qw(
    new provider_name
    job_init
    job_cleanup
    backup_init
    backup_cleanup
    backup_get_mechanism
    backup_handle_log_file
    backup_vm_query_incremental
    backup_vm
    backup_container_prepare
    backup_container
    restore_get_mechanism
    archive_get_guest_config
    archive_get_firewall_config
    restore_vm_init
    restore_vm_cleanup
    restore_vm_volume_init
    restore_vm_volume_cleanup
    restore_container_init
    restore_container_cleanup
    )
) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    *{$name} = sub { die "the backup provider has no method '$name'\n" };
}

1;

__END__

=head1 NAME

PVE::BackupProvider::Plugin::Base - the base of backup providers

=head1 DESCRIPTION

Part of Tenon's compat layer. Has the methods that hosts call, each of which dies: a backup provider brings its own.

=cut
