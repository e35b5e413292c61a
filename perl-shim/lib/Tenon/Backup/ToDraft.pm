package Tenon::Backup::ToDraft;

use v5.36;

sub new ($class, $merged, $storeid) {
    return bless { merged => $merged, storeid => $storeid, size => {}, began => {}, fresh => 0 },
        $class;
}

sub provider_name ($self) {
    return $self->{merged}->provider_name;
}

# ---- hooks

sub job_hook ($self, $phase, $info = {}) {
    if ($phase eq 'start') {
        $self->{merged}->job_init($info->{'start-time'});
    } elsif ($phase eq 'end' || $phase eq 'abort') {
        $self->{merged}->job_cleanup;
    }
    return;
}

sub backup_hook ($self, $phase, $vmid, $vmtype, $info = {}) {
    if ($phase eq 'start') {
        $self->_begin($vmid, $vmtype, $info->{'start-time'});
    } elsif ($phase eq 'prepare') {
        $self->{merged}->backup_container_prepare($vmid, $info);
    } elsif ($phase eq 'end') {
        my $answer = $self->{merged}->backup_cleanup($vmid, $vmtype, 1, {});
        die "the provider's answer to backup_cleanup is no hash\n" if ref($answer) ne 'HASH';
        $self->{size}->{$vmid} = ($answer->{stats} // {})->{'archive-size'} // 0;
        delete $self->{began}->{$vmid};
    } elsif ($phase eq 'abort') {
        delete $self->{began}->{$vmid};
        $self->{merged}->backup_cleanup($vmid, $vmtype, 0, { error => $info->{error} });
    }
    return;
}

# Either of the draft's first two calls may come first, and the other must not begin again.
sub _begin ($self, $vmid, $vmtype, $start_time) {
    my $began = $self->{began}->{$vmid};
    return $began->{name} if $began && $began->{time} == $start_time;
    my $answer = $self->{merged}->backup_init($vmid, $vmtype, $start_time);
    my $name = ref($answer) eq 'HASH' ? $answer->{'archive-name'} : undef;
    die "the provider's answer to backup_init names no archive\n" if !defined($name);
    $self->{began}->{$vmid} = { name => $name, time => $start_time };
    return $name;
}

# ---- the backup

sub backup_get_archive_name ($self, $vmid, $vmtype, $start_time) {
    return $self->_begin($vmid, $vmtype, $start_time);
}

# The draft asks once for all disks, before it tells their sizes: C<set_sizes> tells them where they are known.
sub backup_get_mechanism ($self, $vmid, $vmtype) {
    my $mechanism = $self->{merged}->backup_get_mechanism($vmid, $vmtype);
    my $sizes = $vmtype eq 'qemu' ? $self->{sizes}->{$vmid} : undef;
    return ($mechanism, undef) if !$sizes;
    my $answer = $self->{merged}->backup_vm_query_incremental($vmid, $sizes) // {};
    my @answers = grep { $_ ne 'none' } map { $answer->{$_} // 'none' } keys $sizes->%*;
    return ($mechanism, undef) if @answers != keys $sizes->%*;
    my $is_new = grep { $_ eq 'new' } @answers;
    $self->{bitmap}->{$vmid} = "$self->{storeid}-$vmid-$$-" . time . '-' . ++$self->{fresh}
        if $is_new || !defined($self->{bitmap}->{$vmid});
    return ($mechanism, $self->{bitmap}->{$vmid});
}

sub set_sizes ($self, $vmid, $sizes, $bitmap = undef) {
    $self->{sizes}->{$vmid} = $sizes;
    $self->{bitmap}->{$vmid} = $bitmap;
    return;
}

sub backup_get_task_size ($self, $vmid) {
    return $self->{size}->{$vmid} // 0;
}

sub backup_handle_log_file ($self, $vmid, $filename) {
    $self->{merged}->backup_handle_log_file($vmid, $filename);
    return;
}

sub backup_vm ($self, $vmid, $guest_config, $volumes, $info) {
    $self->{merged}->backup_vm($vmid, $guest_config, $volumes, $info);
    return;
}

sub backup_container ($self, $vmid, $guest_config, $exclude_patterns, $info) {
    $self->{merged}->backup_container($vmid, $guest_config, $exclude_patterns, $info);
    return;
}

# ---- archives: the storage's id is dropped

sub restore_get_mechanism ($self, $volname, $) {
    return $self->{merged}->restore_get_mechanism($volname);
}

sub restore_get_guest_config ($self, $volname, $) {
    return $self->{merged}->archive_get_guest_config($volname);
}

sub restore_get_firewall_config ($self, $volname, $) {
    return $self->{merged}->archive_get_firewall_config($volname);
}

sub restore_vm_init ($self, $volname, $) {
    return $self->{merged}->restore_vm_init($volname);
}

sub restore_vm_cleanup ($self, $volname, $) {
    $self->{merged}->restore_vm_cleanup($volname);
    return;
}

sub restore_vm_volume_init ($self, $volname, $, $device, $info = {}) {
    return $self->{merged}->restore_vm_volume_init($volname, $device, $info);
}

sub restore_vm_volume_cleanup ($self, $volname, $, $device, $info = {}) {
    $self->{merged}->restore_vm_volume_cleanup($volname, $device, $info);
    return;
}

sub restore_container_init ($self, $volname, $, $info = {}) {
    return $self->{merged}->restore_container_init($volname, $info);
}

sub restore_container_cleanup ($self, $volname, $, $info = {}) {
    $self->{merged}->restore_container_cleanup($volname, $info);
    return;
}

1;

__END__

=head1 NAME

Tenon::Backup::ToDraft - a provider of the merged API, with the methods of the draft

=head1 DESCRIPTION

For programs that call providers as the draft says.

=head1 METHODS

=head2 new

    my $draft = Tenon::Backup::ToDraft->new($provider, $storeid);

=head2 provider_name, job_hook, backup_hook

=head2 backup_get_archive_name, backup_get_mechanism, backup_get_task_size, backup_handle_log_file

=head2 backup_vm, backup_container

=head2 restore_get_mechanism, restore_get_guest_config, restore_get_firewall_config

=head2 restore_vm_init, restore_vm_cleanup, restore_vm_volume_init, restore_vm_volume_cleanup

=head2 restore_container_init, restore_container_cleanup

Those of the draft. Phases of hooks that it does not name are ignored. The size of a backup is known after its end hook.

=head2 set_sizes

    $draft->set_sizes($vmid, { $device => { size => $bytes } }, $bitmap_id);

Not in the draft, whose host asks for a bitmap before it tells which disks there are: what C<backup_get_mechanism> passes to
the provider, and the id of the bitmap that the host has from the last committed backup. Without them no backup is
incremental.

=cut
