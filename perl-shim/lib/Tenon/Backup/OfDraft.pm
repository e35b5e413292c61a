package Tenon::Backup::OfDraft;

use v5.36;

use Tenon::Backup::BitmapIds;

use constant INTERRUPTED => "interrupted by signal\n";

sub new ($class, $draft, $storeid) {
    return bless {
        draft => $draft,
        storeid => $storeid,
        ids => Tenon::Backup::BitmapIds->new($storeid),
        bitmap => {},
    }, $class;
}

sub provider_name ($self) {
    return $self->{draft}->provider_name;
}

# ---- the job

sub job_init ($self, $start_time) {
    delete $self->{is_over};
    $self->{job_error} = 'the job did not begin';
    my $good = eval { $self->{draft}->job_hook('start', { 'start-time' => $start_time }); 1 };
    if (!$good) {
        $self->{job_error} = $@;
        die $@;
    }
    delete $self->{job_error};
    return;
}

# The merged API does not tell whether the job was a success, and calls again if this failed.
sub job_cleanup ($self) {
    return if $self->{is_over};
    my $error = $self->{job_error};
    if (defined($error)) {
        $self->{draft}->job_hook('abort', { error => $error });
    } else {
        $self->{draft}->job_hook('end', {});
    }
    $self->{is_over} = 1;
    return;
}

# ---- the backup of a guest

# The draft's host fixed the archive's name before it told the start.
sub backup_init ($self, $vmid, $vmtype, $start_time) {
    delete $self->{bitmap}->{$vmid};
    my $name = $self->{draft}->backup_get_archive_name($vmid, $vmtype, $start_time);
    $self->{draft}->backup_hook('start', $vmid, $vmtype, { 'start-time' => $start_time });
    return { 'archive-name' => $name };
}

sub backup_cleanup ($self, $vmid, $vmtype, $success, $info) {
    if ($success) {
        my $size = eval { $self->{draft}->backup_get_task_size($vmid) } // 0;
        $self->{draft}->backup_hook('end', $vmid, $vmtype, {});
        return { stats => { 'archive-size' => $size } };
    }
    my $error = ($info // {})->{error} // '';
    $self->{job_error} = $error if $error eq INTERRUPTED || "$error\n" eq INTERRUPTED;
    $self->{draft}->backup_hook('abort', $vmid, $vmtype, { error => $error });
    return;
}

sub backup_get_mechanism ($self, $vmid, $vmtype) {
    my ($mechanism, $bitmap) = $self->{draft}->backup_get_mechanism($vmid, $vmtype);
    $self->{bitmap}->{$vmid} = $bitmap;
    return $mechanism;
}

sub backup_handle_log_file ($self, $vmid, $filename) {
    $self->{draft}->backup_handle_log_file($vmid, $filename);
    return;
}

# In the draft a bitmap has an id, and another id means another bitmap. The merged API's bitmap never changes its name, so
# another one is a new one.
sub backup_vm_query_incremental ($self, $vmid, $volumes) {
    my $id = $self->{bitmap}->{$vmid} // return undef; ## no critic (ProhibitExplicitReturnUndef)
    my $committed = $self->{ids}->of($vmid);
    return { map { $_ => ($committed->{$_} // '') eq $id ? 'use' : 'new' } keys $volumes->%* };
}

sub backup_vm ($self, $vmid, $guest_config, $volumes, $info) {
    my $id = $self->{bitmap}->{$vmid};

    # A new bitmap whose backup fails is not the base of anything.
    my %kept = $self->{ids}->of($vmid)->%*;
    delete @kept{ grep { $volumes->{$_}->{'bitmap-mode'} ne 'reuse' } keys $volumes->%* };
    $self->{ids}->set($vmid, \%kept);
    $self->{draft}->backup_vm($vmid, $guest_config, $volumes, $info);
    my @with_bitmap =
        defined($id) ? grep { $volumes->{$_}->{'bitmap-mode'} ne 'none' } keys $volumes->%* : ();
    $self->{ids}->set($vmid, { map { $_ => $id } @with_bitmap });
    return;
}

sub backup_container_prepare ($self, $vmid, $info) {
    $self->{draft}->backup_hook('prepare', $vmid, 'lxc', $info);
    return;
}

sub backup_container ($self, $vmid, $guest_config, $exclude_patterns, $info) {
    $self->{draft}->backup_container($vmid, $guest_config, $exclude_patterns, $info);
    return;
}

# ---- archives; some hosts still pass the storage's id, which then comes twice

# What the host meant by its last argument: some pass text in place of a hash.
sub _info (@args) {
    return @args && ref($args[-1]) eq 'HASH' ? $args[-1] : {};
}

sub restore_get_mechanism ($self, $volname, @) {
    return $self->{draft}->restore_get_mechanism($volname, $self->{storeid});
}

sub archive_get_guest_config ($self, $volname, @) {
    return $self->{draft}->restore_get_guest_config($volname, $self->{storeid});
}

sub archive_get_firewall_config ($self, $volname, @) {
    return $self->{draft}->restore_get_firewall_config($volname, $self->{storeid});
}

sub restore_vm_init ($self, $volname, @) {
    return $self->{draft}->restore_vm_init($volname, $self->{storeid});
}

sub restore_vm_cleanup ($self, $volname, @) {
    $self->{draft}->restore_vm_cleanup($volname, $self->{storeid});
    return;
}

sub restore_vm_volume_init ($self, $volname, $device, @args) {
    return $self->{draft}
        ->restore_vm_volume_init($volname, $self->{storeid}, $device, _info(@args));
}

sub restore_vm_volume_cleanup ($self, $volname, $device, @args) {
    $self->{draft}->restore_vm_volume_cleanup($volname, $self->{storeid}, $device, _info(@args));
    return;
}

sub restore_container_init ($self, $volname, @args) {
    return $self->{draft}->restore_container_init($volname, $self->{storeid}, _info(@args));
}

sub restore_container_cleanup ($self, $volname, @args) {
    $self->{draft}->restore_container_cleanup($volname, $self->{storeid}, _info(@args));
    return;
}

1;

__END__

=head1 NAME

Tenon::Backup::OfDraft - a provider of the draft, with the methods of the merged API

=head1 DESCRIPTION

For hosts of today and providers that were written for the draft. The phases of the draft's hooks are methods here.

=head1 METHODS

=head2 new

    my $provider = Tenon::Backup::OfDraft->new($draft, $storeid);

=head2 provider_name, job_init, job_cleanup

=head2 backup_init, backup_cleanup, backup_get_mechanism, backup_handle_log_file, backup_vm_query_incremental

=head2 backup_vm, backup_container_prepare, backup_container

=head2 archive_get_guest_config, archive_get_firewall_config, restore_get_mechanism

=head2 restore_vm_init, restore_vm_cleanup, restore_vm_volume_init, restore_vm_volume_cleanup

=head2 restore_container_init, restore_container_cleanup

Those of the merged API. C<backup_vm_query_incremental> answers C<use> where the draft's bitmap id is that of the last
backup that was committed (L<Tenon::Backup::BitmapIds>), else C<new>. C<job_cleanup> tells the draft C<abort> if the job did not
begin or was interrupted, else C<end>, once.

=cut
